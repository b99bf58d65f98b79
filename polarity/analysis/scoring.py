"""Scores with their intervals: the numbers of :mod:`polarity.evaluation.metrics`, each beside its uncertainty."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polarity.analysis.result import ClassResult, DecisionName, Estimate, Result, TaskResult
from polarity.evaluation.metrics import Scores, score
from polarity.evaluation.predictions import Predictions
from polarity.statistics import ClassIntervals, Interval, Intervals, TaskIntervals, intervals


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made.

    :param resamples: 0 for no intervals.
    """

    resamples: int
    seed: int = 0
    confidence: float = 0.95

    def intervals(self, predictions: Predictions, decided: Sequence[np.ndarray]) -> Intervals | None:
        """The intervals of the scores of decisions; None where there are none to make."""
        if not self.resamples or not len(predictions):
            return None
        return intervals(predictions, decided, resamples=self.resamples, seed=self.seed, confidence=self.confidence)


def score_by(
    name: DecisionName, predictions: Predictions, decided: Sequence[np.ndarray], bootstrap: Bootstrap
) -> Result:
    """All scores of one way of deciding.

    :param decided: class indices ``[rows]``, one array per task.
    """
    scores = score([item.task for item in predictions.tasks], predictions.labels, decided)
    known = bootstrap.intervals(predictions, decided)
    tasks = tuple(_task(task, scores, None if known is None else known.tasks[task]) for task in scores.tasks)
    labelled = any(task.rows for task in tasks)
    overall = estimate(scores.overall if labelled else None, None if known is None else known.overall)
    return Result(name, scores.rows, overall, tasks)


def estimate(value: float | None, interval: Interval | None) -> Estimate:
    """A value with its interval; a score of no row has neither."""
    if value is None or interval is None:
        return Estimate(value)
    return Estimate(value, interval.low, interval.high)


def _task(name: str, scores: Scores, known: TaskIntervals | None) -> TaskResult:
    task = scores.tasks[name]
    predicted = task.confusion.sum(axis=0)
    classes = []
    for c, (label, value) in enumerate(task.per_class.items()):
        interval: ClassIntervals | None = None if known is None or not task.rows else known.per_class[label]
        classes.append(
            ClassResult(
                name=label,
                support=value.support,
                predicted=int(predicted[c]),
                precision=estimate(value.precision if task.rows else None, interval.precision if interval else None),
                recall=estimate(value.recall if task.rows else None, interval.recall if interval else None),
                f1=estimate(value.f1 if task.rows else None, interval.f1 if interval else None),
            )
        )
    return TaskResult(
        task=name,
        rows=task.rows,
        macro_f1=estimate(task.macro_f1, known.macro_f1 if known else None),
        accuracy=estimate(task.accuracy, known.accuracy if known else None),
        classes=tuple(classes),
        confusion=tuple(tuple(int(count) for count in row) for row in task.confusion),
    )
