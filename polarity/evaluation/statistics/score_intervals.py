"""Intervals of every score of one system on one split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polarity.evaluation.metrics import TaskScore, score
from polarity.evaluation.predictions import Predictions
from polarity.evaluation.statistics.counts import Counts
from polarity.evaluation.statistics.interval import UNKNOWN, Interval, f1_interval, share_interval
from polarity.evaluation.statistics.percentile import percentile_interval
from polarity.evaluation.statistics.resample import resample


@dataclass(frozen=True)
class ClassIntervals:
    """Intervals of one class's scores."""

    precision: Interval
    recall: Interval
    f1: Interval


@dataclass(frozen=True)
class TaskIntervals:
    """Intervals of one task's scores; 0 to 1 where it has no labelled rows."""

    macro_f1: Interval
    accuracy: Interval
    per_class: dict[str, ClassIntervals]


@dataclass(frozen=True)
class Intervals:
    """Intervals of the scores of a split. They say how the score would change with other rows of the same kind.

    They do not say how it would change with another seed of training.
    """

    overall: Interval
    tasks: dict[str, TaskIntervals]


def intervals(
    predictions: Predictions,
    decided: Sequence[np.ndarray],
    *,
    resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Intervals:
    """Intervals of the scores of decisions: overall and macro-F1 by bootstrap, the others by Wilson's formula.

    :param decided: class indices ``[rows]``, one array per task, in the order of the predictions' tasks.
    """
    tasks = [item.task for item in predictions.tasks]
    if not len(predictions):
        raise ValueError("there are no rows")
    counts = Counts(tasks, predictions.labels, [decided], predictions.clusters)
    drawn = resample(counts, resamples, seed)
    scores = score(tasks, predictions.labels, decided)
    by_task = {}
    for t, task in enumerate(tasks):
        scored = scores.tasks[task.name]
        macro = percentile_interval(drawn.macro_f1[:, 0, t], confidence)
        by_task[task.name] = _task_intervals(scored, macro if scored.rows else UNKNOWN, confidence)
    overall = percentile_interval(drawn.overall[:, 0], confidence)
    return Intervals(overall, by_task)


def _task_intervals(scored: TaskScore, macro: Interval, confidence: float) -> TaskIntervals:
    predicted, actual = scored.confusion.sum(axis=0), scored.confusion.sum(axis=1)
    per_class = {}
    for c, name in enumerate(scored.per_class):
        hits, said, real = int(scored.confusion[c, c]), int(predicted[c]), int(actual[c])
        per_class[name] = ClassIntervals(
            precision=share_interval(hits, said, confidence),
            recall=share_interval(hits, real, confidence),
            f1=f1_interval(hits, said, real, confidence),
        )
    right = int(np.trace(scored.confusion))
    return TaskIntervals(macro, share_interval(right, scored.rows, confidence), per_class)
