"""What precision, recall and F1 of a class are shares of."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from polarity.statistics.counts import Counts
from polarity.statistics.interval import UNKNOWN, Share, f1_interval


@dataclass(frozen=True)
class ClassShares:
    """What the scores of one class are shares of."""

    precision: Share
    recall: Share
    union: Share

    @classmethod
    def of(cls, counts: Counts, system: int, number: int) -> Self:
        """Of the class at column ``number`` among those of all tasks."""
        blocks = (0, 1 + 2 * system, 2 + 2 * system)
        columns = [counts.matrix[:, block * counts.classes + number].astype(np.float64) for block in blocks]
        actual, hits, predicted = columns if counts.times is None else (counts.times * column for column in columns)

        def share(trials: np.ndarray) -> Share:
            by_group = np.stack([hits, trials]) if counts.grouped else None
            return Share(int(hits.sum()), int(trials.sum()), by_group)

        return cls(share(predicted), share(actual), share(predicted + actual - hits))

    @property
    def constant(self) -> bool:
        """Whether all or none of its rows are right, or there are none: its F1 is the same in every sample."""
        return self.union.hits in (0, self.union.trials)

    def reach(self, confidence: float) -> np.ndarray:
        """How far below and above its F1 may be on other rows if it is constant here, ``[2]``; else 0."""
        if not self.constant:
            return np.zeros(2)
        interval = f1_interval(self.union, confidence) or UNKNOWN  # all of one group, as if there were none
        value = float(self.union.hits > 0)
        return np.array([value - interval.low, interval.high - value])


def classes_of(counts: Counts, system: int, task: int) -> list[ClassShares]:
    """Each class of a task."""
    return [ClassShares.of(counts, system, number) for number in range(*counts.slices[task].indices(counts.classes))]
