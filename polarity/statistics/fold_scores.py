"""Scores of a cross-validation: of all held-out rows, with intervals that respect the folds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np

from polarity.evaluation.metrics import Scores, score
from polarity.evaluation.out_of_fold import HeldOut
from polarity.statistics.corrected_resampled import corrected_resampled
from polarity.statistics.seeds import SeedEstimate

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

    def minus(self, other: "FoldScores", task: str | None = None) -> SeedEstimate:
        """The mean difference to another system's scores in the same folds."""
        return corrected_resampled(self.values(task) - other.values(task), self.ratio)


def _scores(folds: Sequence[HeldOut], kind: Decided) -> Scores:
    """Of the rows of several folds at once."""
    parts = [item.predictions for item in folds]
    tasks = [item.task for item in parts[0].tasks]
    decided = [np.concatenate([getattr(part.tasks[number], kind) for part in parts]) for number in range(len(tasks))]
    return score(tasks, np.concatenate([part.labels for part in parts]), decided)
