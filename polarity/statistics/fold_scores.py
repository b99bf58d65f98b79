"""Scores of a cross-validation: of all held-out rows, with intervals that respect the folds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np

from polarity.evaluation.metrics import Scores, score
from polarity.evaluation.out_of_fold import HeldOut, joined
from polarity.evaluation.predictions import Predictions
from polarity.statistics.corrected_resampled import corrected_resampled
from polarity.statistics.counts import Counts
from polarity.statistics.interval import Interval
from polarity.statistics.seeds import SeedEstimate
from polarity.statistics.unseen import score_reach, wider

Decided = Literal["predicted", "argmax"]


@dataclass(frozen=True)
class FoldScores:
    """Macro-F1 of each task with labels, by its name.

    :param of_folds: in each fold of all repeats, ``[folds]``.
    :param of_rows: of all held-out rows at once, the mean over repeats; it is less biased than the mean of the folds,
        in which a class may have a handful of rows.
    :param ratio: held-out rows by other rows.
    """

    of_folds: dict[str, np.ndarray]
    of_rows: dict[str, float]
    ratio: float

    @classmethod
    def of(cls, folds: Sequence[HeldOut], kind: Decided = "predicted") -> Self:
        """From the folds of all repeats.

        :param kind: by the decisions of the folds' own rules, which have not seen the rows, or by the largest logit.
        """
        of_folds = [_scores([item], kind) for item in folds]
        repeats = sorted({item.repeat for item in folds})
        whole = [_scores([item for item in folds if item.repeat == repeat], kind) for repeat in repeats]
        labelled = [name for name, task in whole[0].tasks.items() if task.rows]
        return cls(
            {name: np.array([scores.tasks[name].macro_f1 or 0.0 for scores in of_folds]) for name in labelled},
            {name: float(np.mean([scores.tasks[name].macro_f1 for scores in whole])) for name in labelled},
            1 / (len(folds) / len(repeats) - 1),
        )

    @classmethod
    def mean(cls, several: Sequence[Self]) -> Self:
        """Over the runs of one configuration on the same folds, which differ by their seeds."""
        names = several[0].of_folds
        return cls(
            {name: np.mean([scores.of_folds[name] for scores in several], axis=0) for name in names},
            {name: float(np.mean([scores.of_rows[name] for scores in several])) for name in names},
            several[0].ratio,
        )

    def only(self, names: Sequence[str]) -> Self:
        """Those of some tasks."""
        return replace(
            self,
            of_folds={name: self.of_folds[name] for name in names},
            of_rows={name: self.of_rows[name] for name in names},
        )

    def values(self, task: str | None = None) -> np.ndarray:
        """Of a task in each fold, or overall, ``[folds]``."""
        return np.mean(list(self.of_folds.values()), axis=0) if task is None else self.of_folds[task]

    @property
    def overall(self) -> float:
        """Of all held-out rows."""
        return float(np.mean(list(self.of_rows.values())))

    def estimate(self, task: str | None = None) -> SeedEstimate:
        """The overall score of all held-out rows, or a task's, with the error that its folds leave it."""
        return corrected_resampled(self.values(task), self.ratio, self.overall if task is None else self.of_rows[task])

    def minus(self, other: "FoldScores", task: str | None = None, hidden: float = 0.0) -> SeedEstimate:
        """The mean difference to another system's scores in the same folds.

        :param hidden: as of :class:`~polarity.statistics.seeds.SeedEstimate`.
        """
        return replace(corrected_resampled(self.values(task) - other.values(task), self.ratio), hidden=hidden)


def counts_of_folds(folds: Sequence[HeldOut], kind: Decided = "predicted") -> Counts:
    """All rows of the first repeat, of one system."""
    whole = joined([item for item in folds if item.repeat == folds[0].repeat])
    return Counts([item.task for item in whole.tasks], whole.labels, [decided_by(whole, kind)], whole.clusters)


def decided_by(predictions: Predictions, kind: Decided) -> list[np.ndarray]:
    """Class indices ``[rows]``, one array per task."""
    return [getattr(item, kind) for item in predictions.tasks]


def interval_of_folds(
    scores: FoldScores, counts: Counts, systems: Sequence[int], task: str | None, confidence: float = 0.95
) -> Interval | None:
    """The corrected resampled interval, and what classes may hide of which all or none are right in every fold.

    None where all folds have the same score, so that there is no such interval.

    :param counts: of the rows, among others of these ``systems``, which ``scores`` are the mean of.
    """
    found = scores.estimate(task)
    if not found.error:
        return None
    reach = unseen_in_folds(counts, systems, task, confidence)
    return wider(found.interval(confidence, lowest=0.0), found.value, reach)


def unseen_in_folds(counts: Counts, systems: Sequence[int], task: str | None, confidence: float = 0.95) -> np.ndarray:
    """How far below and above the score classes may reach of which all or none are right, ``[2]``; 0 without such."""
    number = None if task is None else [item.name for item in counts.tasks].index(task)
    return score_reach(counts, systems, number, confidence=confidence)


def _scores(folds: Sequence[HeldOut], kind: Decided) -> Scores:
    """Of the rows of several folds at once."""
    whole = joined(folds)
    return score([item.task for item in whole.tasks], whole.labels, decided_by(whole, kind))
