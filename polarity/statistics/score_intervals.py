"""Intervals of every score of one system on one split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polarity.evaluation.predictions import Predictions
from polarity.statistics.class_shares import ClassShares, classes_of
from polarity.statistics.counts import Counts, Statistics
from polarity.statistics.groups import FEWEST
from polarity.statistics.interval import UNKNOWN, Interval, Share, f1_interval
from polarity.statistics.percentile import sample_interval
from polarity.statistics.resample import resample
from polarity.statistics.unseen import score_reach, wider


@dataclass(frozen=True)
class ClassIntervals:
    """Intervals of one class's scores."""

    precision: Interval | None
    recall: Interval | None
    f1: Interval | None


@dataclass(frozen=True)
class TaskIntervals:
    """Intervals of one task's scores; 0 to 1 where it has no labelled rows."""

    macro_f1: Interval | None
    accuracy: Interval | None
    per_class: dict[str, ClassIntervals]


@dataclass(frozen=True)
class Intervals:
    """Intervals of the scores of a split. They say how the score would change with other rows of the same kind.

    They do not say how it would change with another seed of training. None: all rows are of one group, which cannot say
    how it would be in another.
    """

    overall: Interval | None
    tasks: dict[str, TaskIntervals]


def intervals(
    predictions: Predictions,
    decided: Sequence[np.ndarray],
    *,
    resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Intervals:
    """Intervals of the scores of decisions: overall and macro-F1 by resampling, the others by Wilson's formula.

    :param decided: class indices ``[rows]``, one array per task, in the order of the predictions' tasks.
    """
    tasks = [item.task for item in predictions.tasks]
    if not len(predictions):
        raise ValueError("there are no rows")
    counts = Counts(tasks, predictions.labels, [decided], predictions.clusters, joined=True)
    observed, drawn = counts.observed(), resample(counts, resamples, seed)
    by_task = {}
    for t, task in enumerate(tasks):
        classes = classes_of(counts, 0, t)
        freedom = counts.freedom(t)
        silent = freedom is not None and freedom < FEWEST and bool(counts.labelled_tasks(t))
        shown = [_of_class(one, confidence, silent=silent) for one in classes]
        per_class = dict(zip(task.classes, shown, strict=True))
        macro = mean_f1_interval(counts, observed, drawn, 0, t, confidence=confidence)
        accuracy = _added([one.recall for one in classes]).interval(confidence)
        by_task[task.name] = TaskIntervals(macro, accuracy, per_class)
    return Intervals(mean_f1_interval(counts, observed, drawn, 0, confidence=confidence), by_task)


def mean_f1_interval(
    counts: Counts, observed: Statistics, drawn: Statistics, system: int, task: int | None = None, *, confidence: float
) -> Interval | None:
    """The interval of one system's macro-F1 in a task, or of its overall score.

    :param observed: scores of the rows as they are.
    :param drawn: those of the resamples.
    """
    if task is None:
        value, values = float(observed.overall[0, system]), drawn.overall[:, system]
    else:
        value, values = float(observed.macro_f1[0, system, task]), drawn.macro_f1[:, system, task]
    if not counts.labelled_tasks(task):
        return UNKNOWN
    interval = sample_interval(value, values, counts, confidence, task=task)
    if interval is not None and counts.freedom(task) is None:
        # a class that a resample lacks counts 0 there, so that with many small classes all resamples are too low
        interval = Interval(interval.low, min(1.0, interval.high + max(0.0, value - float(values.mean()))))
    return wider(interval, value, score_reach(counts, [system], task, confidence=confidence))


def _of_class(shares: ClassShares, confidence: float, *, silent: bool) -> ClassIntervals:
    """Its intervals.

    :param silent: whether the groups can say nothing, so that there is none either where no row counts.
    """
    found = [shares.precision.interval(confidence), shares.recall.interval(confidence)]
    found.append(f1_interval(shares.union, confidence))
    return ClassIntervals(*(None if silent and one == UNKNOWN else one for one in found))


def _added(shares: Sequence[Share]) -> Share:
    """All trials of several classes."""
    groups = [share.by_group for share in shares if share.by_group is not None]
    by_group = np.sum(groups, axis=0) if groups else None
    return Share(sum(share.hits for share in shares), sum(share.trials for share in shares), by_group)
