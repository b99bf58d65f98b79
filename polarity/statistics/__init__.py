"""Intervals and tests of scores: what can be said about a number, and about the difference of two."""

from polarity.statistics.interval import Interval
from polarity.statistics.paired import Difference, PairedResult, paired_difference
from polarity.statistics.score_intervals import ClassIntervals, Intervals, TaskIntervals, intervals

__all__ = [
    "ClassIntervals",
    "Difference",
    "Interval",
    "Intervals",
    "PairedResult",
    "TaskIntervals",
    "intervals",
    "paired_difference",
]
