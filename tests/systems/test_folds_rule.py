"""The rule for the mean of all folds: fitted on out-of-fold probabilities alone, and bound to the folds."""

from dataclasses import replace

import numpy as np
import pytest

from polarity.calibration import NoCalibration
from polarity.data.rows import Rows
from polarity.decisions import BiasDecision
from polarity.evaluation.out_of_fold import HeldOut
from polarity.evaluation.predictions import Predictions
from polarity.posthoc import fit_decider
from polarity.systems.folds import fit_rule
from polarity.tasks import Task

TONE = Task("tone", ("no", "yes"), "tone")
ROWS = 400
LABELS = (np.random.default_rng(0).random(ROWS) < 0.15).astype(np.int64)


def said(seed: int, low: float = -2.5) -> Predictions:
    """A repeat, in which the rare class is well ordered; at -2.5 it is rarely the more probable one."""
    logit = 2.0 * LABELS + low + np.random.default_rng(seed).normal(size=ROWS)
    rows = Rows([f"row-{row}" for row in range(ROWS)], [""] * ROWS, None, LABELS[:, None])
    return Predictions.undecided((TONE,), rows, [np.column_stack([np.zeros(ROWS), logit])])


def held_out(*repeats: Predictions) -> list[HeldOut]:
    """Two folds of each, with the rows in another order; only probabilities count there."""
    folds = []
    for repeat, rows in enumerate(repeats, 1):
        mixed = np.random.default_rng(repeat).permutation(ROWS)
        blind = replace(rows, tasks=(replace(rows.tasks[0], logits=None),))
        folds += [
            HeldOut(len(folds) + n, repeat, blind.select(part)) for n, part in enumerate((mixed[:150], mixed[150:]))
        ]
    return folds


def test_it_is_fitted_to_the_mean_over_the_repeats() -> None:
    repeats = [said(1), said(2)]
    mean = np.mean([one.tasks[0].probabilities for one in repeats], axis=0)
    wanted = replace(repeats[0], tasks=(replace(repeats[0].tasks[0], logits=np.log(mean)),))
    by_hand = fit_decider(wanted, NoCalibration(), BiasDecision())
    fitted = fit_rule(repeats[1], held_out(*repeats), BiasDecision())
    assert fitted.evidence["tone"]["decision"]["kept"]
    assert fitted.evidence["tone"]["decision"]["gain"] > 0.05
    assert fitted.decider.to_dict() == by_hand.decider.to_dict()
    probabilities = fitted.decider.probabilities([np.log(mean)])[0]
    assert probabilities == pytest.approx(mean), "the mean stays what it is; it is decided otherwise"


def test_what_keeps_it_from_being_fitted_is_told_of_the_rows_that_it_is_about() -> None:
    few = said(1).select(np.arange(6))
    reason = fit_rule(few, [HeldOut(1, 1, few)], BiasDecision()).evidence["tone"]["decision"]["reason"]
    assert "out-of-fold row" in reason


def test_a_rule_that_helps_no_row_it_has_not_seen_is_not_kept() -> None:
    well_placed = said(1, low=-1.5)
    fitted = fit_rule(well_placed, held_out(well_placed), BiasDecision())
    assert not fitted.evidence["tone"]["decision"]["kept"]
    assert fitted.decider.to_dict()["tasks"]["tone"]["rule"] == {"kind": "argmax"}
