"""Scores of a cross-validation: of all held-out rows, with intervals that respect the folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from polarity.evaluation.metrics import Scores, score
from polarity.evaluation.out_of_fold import HeldOut
from polarity.statistics.corrected_resampled import corrected_resampled
from polarity.statistics.seeds import SeedEstimate

Decided = Literal["predicted", "argmax"]


@dataclass(frozen=True)
class FoldScores:
    """Macro-F1 in each fold of all repeats.

    :param overall: ``[folds]``.
    :param tasks: the same of each task with labels, by its name.
    :param pooled: overall score of all held-out rows at once, the mean over repeats; it is less biased than the mean of
        the folds, in which a class may have a handful of rows.
    :param pooled_tasks: the same of each task.
    :param ratio: held-out rows by other rows.
    """

    overall: np.ndarray
    tasks: dict[str, np.ndarray]
    pooled: float
    pooled_tasks: dict[str, float]
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
            np.array([scores.overall for scores in of_folds]),
            {name: np.array([scores.tasks[name].macro_f1 or 0.0 for scores in of_folds]) for name in labelled},
            float(np.mean([scores.overall for scores in whole])),
            {name: float(np.mean([scores.tasks[name].macro_f1 for scores in whole])) for name in labelled},
            1 / (len(folds) / len(repeats) - 1),
        )

    def estimate(self, task: str | None = None) -> SeedEstimate:
        """The overall score of all held-out rows, or a task's, with the error that its folds leave it."""
        values, centre = (self.overall, self.pooled) if task is None else (self.tasks[task], self.pooled_tasks[task])
        return corrected_resampled(values, self.ratio, centre)

    def minus(self, other: "FoldScores", task: str | None = None) -> SeedEstimate:
        """The mean difference to another system's scores in the same folds."""
        ours, theirs = (self.overall, other.overall) if task is None else (self.tasks[task], other.tasks[task])
        return corrected_resampled(ours - theirs, self.ratio)


def _scores(folds: Sequence[HeldOut], kind: Decided) -> Scores:
    """Of the rows of several folds at once."""
    parts = [item.predictions for item in folds]
    tasks = [item.task for item in parts[0].tasks]
    decided = [np.concatenate([getattr(part.tasks[number], kind) for part in parts]) for number in range(len(tasks))]
    return score(tasks, np.concatenate([part.labels for part in parts]), decided)
