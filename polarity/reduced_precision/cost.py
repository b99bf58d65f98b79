"""What another arithmetic changes, on the validation rows of the run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from polarity.data.cache import cached_arrays
from polarity.errors import UserError
from polarity.evaluation.metrics import score
from polarity.evaluation.predictions import Predictions
from polarity.posthoc import Decider
from polarity.prediction.predictor import Predictor
from polarity.progress import progress
from polarity.run import RunDirectory
from polarity.runs.rebuild import run_splits
from polarity.runs.saved import saved_predictions
from polarity.statistics import Interval, paired_difference
from polarity.wording import times

AT_ONCE = 4096
"""Texts that are tokenised together."""


@dataclass(frozen=True)
class PrecisionCost:
    """Decisions in the run's own arithmetic and in another one, about the same rows.

    :param decisions: of all rows and tasks; ``changed``: how many of them are others.
    :param before: overall macro-F1 of the decision rule; ``after``: in the other arithmetic.
    :param difference: after minus before, paired, with its 95 % interval.
    """

    rows: int
    decisions: int
    changed: int
    before: float
    after: float
    difference: tuple[float, Interval | None]

    @classmethod
    def of(cls, own: Predictions, other: Sequence[np.ndarray], decider: Decider) -> Self:
        """Compare.

        :param own: the run's predictions.
        :param other: logits of the same rows, one array per task.
        """
        own = decider.apply(own)
        moved = replace(own, tasks=tuple(replace(t, logits=z) for t, z in zip(own.tasks, other, strict=True)))
        first, second = ([item.predicted for item in one.tasks] for one in (own, decider.apply(moved)))
        tasks = [item.task for item in own.tasks]
        before, after = (score(tasks, own.labels, decided).overall for decided in (first, second))
        paired = paired_difference(own, first, second).overall
        changed = sum(int((a != b).sum()) for a, b in zip(first, second, strict=True))
        return cls(len(own), len(own) * len(tasks), changed, before, after, (paired.value, paired.interval))

    def __str__(self) -> str:
        value, interval = self.difference
        ends = "unknown" if interval is None else f"{interval.low:+.4f} to {interval.high:+.4f}"
        return (
            f"of {times(self.decisions, 'decision')} on {times(self.rows, 'validation row')} {self.changed:,} "
            f"({self.changed / max(1, self.decisions):.1%}) differ from the run's own; macro-F1 of its rule "
            f"{self.before:.4f} -> {self.after:.4f}, difference {value:+.4f} (95 % interval {ends})"
        )


def cost(run: RunDirectory, predictor: Predictor, kept: Path) -> PrecisionCost:
    """What it costs; the validation rows are read and asked once, and their answers kept in the cache.

    :param kept: folder of the cache, whose name identifies weights, rows and arithmetic.
    :raises UserError: if the data of the run are not there, or are not the same any more.
    """
    own = saved_predictions(run, "val")
    answers = cached_arrays(kept, lambda: _asked(run, own, predictor))
    return PrecisionCost.of(
        own, [np.array(answers[str(number)]) for number in range(len(own.tasks))], predictor.decider
    )


def _asked(run: RunDirectory, own: Predictions, predictor: Predictor) -> dict[str, np.ndarray]:
    try:
        val = run_splits(run).val
    except UserError as error:
        raise UserError([*error.problems, "precision: what it costs is measured on the validation rows"]) from error
    assert val.ids == own.ids, "the fingerprint of the rows was compared"
    parts: list[list[np.ndarray]] = []
    with progress("asking what it costs", len(val)) as advance:
        for start in range(0, len(val), AT_ONCE):
            logits, _, problems = predictor.logits(val.select(range(start, min(start + AT_ONCE, len(val)))))
            if problems:
                raise UserError(f"precision: in it {times(len(problems), 'validation row')} cannot be answered: "
                                f"{next(iter(problems.values()))}")  # fmt: skip
            parts.append(logits)
            advance(len(logits[0]))
    return {str(number): np.concatenate(task) for number, task in enumerate(zip(*parts, strict=True))}
