"""Intervals of every score of one system on one split."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from polarity.evaluation.predictions import Predictions
from polarity.statistics.counts import Counts, Statistics
from polarity.statistics.interval import UNKNOWN, Interval, Share, f1_interval
from polarity.statistics.percentile import sample_interval
from polarity.statistics.resample import resample


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
        classes = _classes(counts, 0, t)
        per_class = {name: one.intervals(confidence) for name, one in zip(task.classes, classes, strict=True)}
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
    parts = [t for t in ([task] if task is not None else range(len(counts.slices))) if counts.labelled[t]]
    if not parts:
        return UNKNOWN
    interval = sample_interval(value, values, counts, confidence, task=task)
    reaches = np.array([_unseen(_classes(counts, system, t), confidence) for t in parts])
    return _wider(interval, value, np.sqrt((reaches**2).sum(axis=0)) / len(parts))


@dataclass(frozen=True)
class _Class:
    """What the scores of one class are shares of."""

    precision: Share
    recall: Share
    union: Share

    @classmethod
    def of(cls, counts: Counts, system: int, number: int) -> Self:
        blocks = (0, 1 + 2 * system, 2 + 2 * system)
        columns = [counts.matrix[:, block * counts.classes + number].astype(np.float64) for block in blocks]
        actual, hits, predicted = columns if counts.times is None else (counts.times * column for column in columns)

        def share(trials: np.ndarray) -> Share:
            by_group = np.stack([hits, trials]) if counts.grouped else None
            return Share(int(hits.sum()), int(trials.sum()), by_group)

        return cls(share(predicted), share(actual), share(predicted + actual - hits))

    def intervals(self, confidence: float) -> ClassIntervals:
        return ClassIntervals(
            self.precision.interval(confidence), self.recall.interval(confidence), f1_interval(self.union, confidence)
        )


def _classes(counts: Counts, system: int, task: int) -> list[_Class]:
    return [_Class.of(counts, system, number) for number in range(*counts.slices[task].indices(counts.classes))]


def _added(shares: Sequence[Share]) -> Share:
    """All trials of several classes."""
    groups = [share.by_group for share in shares if share.by_group is not None]
    by_group = np.sum(groups, axis=0) if groups else None
    return Share(sum(share.hits for share in shares), sum(share.trials for share in shares), by_group)


def _unseen(classes: Sequence[_Class], confidence: float) -> np.ndarray:
    """How far below and above macro-F1 might be for what no sample of these rows shows, ``[2]``.

    A class of which all or none is right, or that has no row at all, has the same F1 in (nearly) every sample. Its own
    interval knows better; its distances are put together as those of independent parts.

    Zou and Donner, Construction of confidence limits about effect measures, Statistics in Medicine 2008.
    """
    squares = np.zeros(2)
    for one in classes:
        interval = f1_interval(one.union, confidence) if one.union.hits in (0, one.union.trials) else None
        if interval is not None:
            value = float(one.union.hits > 0)
            squares += (value - interval.low) ** 2, (interval.high - value) ** 2
    reach: np.ndarray = np.sqrt(squares) / len(classes)
    return reach


def _wider(interval: Interval | None, value: float, reach: np.ndarray) -> Interval | None:
    """The interval with further distances below and above, independent of its own."""
    if interval is None:
        return None
    below, above = np.hypot([value - interval.low, interval.high - value], reach)
    below, above = max(below, value - interval.low), max(above, interval.high - value)
    return Interval(max(0.0, value - float(below)), min(1.0, value + float(above)))
