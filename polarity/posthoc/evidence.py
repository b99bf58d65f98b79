"""What is told about a fit: numbers before and after, and a sentence that says what was kept and why."""

from collections.abc import Mapping

import numpy as np

from polarity.analysis.result import CalibrationNumbers
from polarity.calibration.base import Calibration
from polarity.calibration.none import NoCalibration
from polarity.calibration.scaling import Scaling
from polarity.content import Json
from polarity.decisions.base import Decision
from polarity.decisions.rules import LargestLogit, Rule
from polarity.evaluation.metrics import score_task
from polarity.evaluation.predictions import TaskPredictions
from polarity.posthoc.crossfit import LabelledRows
from polarity.posthoc.gain import Gain

EQUAL = 0.02
"""Classes whose log-probabilities are no further apart in any row are equally probable."""

WITHOUT = "; judged without each row's own fold it is "

KEPT = ("kept", "not kept")
"""How reasons begin that go on from what was kept or not; others are sentences."""


def told(evidence: Json, names: Mapping[str, str]) -> list[str]:
    """A line for each task about what was kept and why; one for all of which the same is said.

    :param evidence: by task.
    :param names: how each part of the evidence is called.
    """
    tasks = dict[str, list[str]]()
    for task, found in evidence.items():
        parts = dict[str, list[str]]()
        for part, name in names.items():
            parts.setdefault(found[part]["reason"], []).append(name)
        said = "; ".join(
            f"{' and '.join(called)}{' ' if reason.startswith(KEPT) else ': '}{reason}"
            for reason, called in parts.items()
        )
        tasks.setdefault(said, []).append(task)
    return [f"{', '.join(of)}: {said}" for said, of in tasks.items()]


def nothing_fitted(item: TaskPredictions, reason: str) -> Json:
    """Evidence about a task that had to be left plain."""
    macro = score_task(item.task, item.labels, item.argmax).macro_f1
    return {
        "rows": int(item.known.sum()),
        "folds": 0,
        "calibration": {"name": "none", "kept": False, "before": None, "after": None, "reason": reason},
        "decision": {
            "name": "argmax",
            "kept": False,
            "macro_f1": {"uncalibrated": macro, "in_sample": macro, "crossfit": macro, "honest": macro},
            "gain": 0.0,
            "standard_error": 0.0,
            "honest_gain": 0.0,
            "reason": reason,
        },
    }


def calibration_evidence(
    calibration: Calibration,
    scaling: Scaling,
    logits: np.ndarray,
    before: CalibrationNumbers,
    after: CalibrationNumbers,
    lowered: Gain,
) -> Json:
    """Calibration of the validation rows, cross-fitted, and whether it was kept.

    :param scaling: what is stored.
    :param logits: of the rows, ``[rows, classes]``.
    :param lowered: fall of the negative log-likelihood that was judged.
    """
    if isinstance(calibration, NoCalibration):
        kept, reason = False, "no calibration was asked for"
    else:
        kept, needed = calibration.keeps(lowered), calibration.standard_errors
        moved = f"from {before.nll:.4f} to {after.nll:.4f}, standard error {lowered.standard_error:.4f}"
        if kept and scaling == Scaling.identity(len(scaling.scale)):
            kept, reason = False, "not kept: what is fitted to all these rows together changes nothing"
        elif kept:
            asked = " as asked for" if needed is None else ""
            reason = f"kept{asked}: the cross-fitted negative log-likelihood goes {moved}"
            if np.ptp(scaling.log_probabilities(logits), axis=1).max() <= EQUAL:
                reason += "; the logits are no better than chance here, so that all classes become equally probable"
        else:
            assert needed is not None
            reason = f"not kept: the cross-fitted negative log-likelihood would go {moved}; {lowered.asked(needed)}"
    named = {
        key: {"ece": numbers.ece, "ece_by_chance": numbers.ece_by_chance, "brier": numbers.brier, "nll": numbers.nll}
        for key, numbers in (("before", before), ("after", after))
    }
    return {"name": repr(calibration), "kept": kept, **named, "reason": reason}


def decision_evidence(
    rows: LabelledRows,
    decision: Decision,
    rule: Rule,
    kept: bool,  # noqa: FBT001 - one of many things told
    gain: Gain,
    decided: dict[str, np.ndarray],
) -> Json:
    """Macro-F1 of each way of deciding the validation rows, and whether the rule was kept.

    :param gain: the cross-fitted gain that was judged.
    :param decided: decisions ``[rows]`` by name.
    """
    macro = {name: score_task(rows.task, rows.labels, values).macro_f1 for name, values in decided.items()}
    honest = rows.gain(decided["uncalibrated"], decided["honest"])
    return {
        "name": repr(decision),
        "kept": kept,
        "macro_f1": macro,
        "gain": gain.value,
        "standard_error": gain.standard_error,
        "honest_gain": honest.value,
        "reason": _reason(decision, rule, gain, honest, kept=kept),
    }


def judged_in_whole(found: Json, item: TaskPredictions) -> Json:
    """Evidence about a task of a larger whole, which was judged without each row's fold together with all that it does.

    :param found: evidence about calibration and rule alone.
    :param item: the rows, with the whole's decisions without their folds.
    """
    macro = found["decision"]["macro_f1"]
    honest = score_task(item.task, item.labels, item.honest).macro_f1
    if honest is None:
        return found
    gain = honest - macro["uncalibrated"]
    reason, without, _ = found["decision"]["reason"].partition(WITHOUT)
    if without:
        reason = f"{reason}{without}{100 * gain:+.2f}"
    elif gain:
        apart = "since what is fitted without each fold is not the same"
        reason = f"{reason}; the cross-fitted score is {100 * gain:+.2f} points from that of argmax, {apart}"
    decision = {"macro_f1": {**macro, "honest": honest}, "honest_gain": gain, "reason": reason}
    return {**found, "decision": {**found["decision"], **decision}}


def _reason(decision: Decision, rule: Rule, gain: Gain, honest: Gain, *, kept: bool) -> str:
    if isinstance(rule, LargestLogit):
        return "plain argmax was asked for"
    points = f"{100 * gain.value:+.2f} points of macro-F1, standard error {100 * gain.standard_error:.2f}"
    needed = decision.standard_errors
    if needed is None:
        return f"kept as asked for (cross-fitted gain {points})"
    if kept:
        return f"kept: the cross-fitted gain is {points}{WITHOUT}{100 * honest.value:+.2f}"
    return f"not kept, argmax is used: the cross-fitted gain is {points}; {gain.asked(needed)}"
