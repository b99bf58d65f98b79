"""An interval, and the one of a share that needs no resampling, of independent rows or of rows in groups."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri  # the quantile of the normal distribution
from scipy.stats import t as student

from polarity.statistics.groups import FEWEST, group_freedom


@dataclass(frozen=True)
class Interval:
    """A confidence interval.

    :param low: its lower end.
    :param high: its upper end.
    """

    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether it leaves out anything that a score (0 to 1) or a difference (-1 to 1) can be."""
        return self not in (UNKNOWN, NO_DIFFERENCE_KNOWN)

    def error(self, confidence: float) -> float:
        """The standard error that a normal distribution has whose interval of this confidence is as wide."""
        return (self.high - self.low) / 2 / float(ndtri((1 + confidence) / 2))

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


UNKNOWN = Interval(0.0, 1.0)
"""The interval of a share about which no row says anything."""

NO_DIFFERENCE_KNOWN = Interval(-1.0, 1.0)
"""The same for a difference of two."""


@dataclass(frozen=True)
class Share:
    """Hits out of trials.

    :param by_group: hits and trials of each group, float64 ``[2, groups]``, where rows are not independent.
    """

    hits: int
    trials: int
    by_group: np.ndarray | None = None

    def interval(self, confidence: float = 0.95) -> Interval | None:
        """Wilson's score interval: accuracy, precision, recall. None where all rows are of one group.

        Wilson, Probable Inference, JASA 1927. Unlike the bootstrap it has a width where all or none of few rows are
        right. For groups it is that of as many independent rows as have the variance that the jackknife over groups
        finds, with Student's quantile (Korn and Graubard, Survey Methodology 1998; Franco, Little, Louis and Slud,
        Journal of Survey Statistics and Methodology 2019); where all or none are right, the groups count as rows.
        """
        if self.trials == 0:
            return UNKNOWN
        if self.by_group is None:
            return _wilson(self.hits / self.trials, self.trials, float(ndtri((1 + confidence) / 2)))
        hits, trials = self.by_group[:, self.by_group[1] > 0]
        freedom = group_freedom(trials)
        if freedom < FEWEST:
            return None
        quantile = float(student.ppf((1 + confidence) / 2, freedom))
        return _wilson(self.hits / self.trials, self._rows(hits, trials, freedom), quantile)

    def _rows(self, hits: np.ndarray, trials: np.ndarray, freedom: float) -> float:
        """How many independent rows say as much."""
        share = self.hits / self.trials
        without = (self.hits - hits) / np.maximum(self.trials - trials, 1)
        variance = (1 - 1 / len(hits)) * float(((without - share) ** 2).sum())
        if variance == 0:
            return freedom + 1
        return min(self.trials, share * (1 - share) / variance)


def f1_interval(union: Share, confidence: float = 0.95) -> Interval | None:
    """Interval of one class's F1.

    F1 = 2 J / (1 + J) grows with J = hits / (predicted + actual - hits), which is a share of the rows that are
    predicted as the class or belong to it; so its ends are those of the interval of J.

    :param union: J.
    """
    found = union.interval(confidence)
    return None if found is None else Interval(f1_of(found.low), f1_of(found.high))


def f1_of(share: float) -> float:
    """F1 of the share J of :func:`f1_interval`."""
    return 2 * share / (1 + share)


def _wilson(share: float, rows: float, quantile: float) -> Interval:
    weight = quantile**2 / rows
    centre = (share + weight / 2) / (1 + weight)
    reach = quantile / (1 + weight) * float(np.sqrt(share * (1 - share) / rows + weight / (4 * rows)))
    low = 0.0 if share == 0 else max(0.0, centre - reach)
    return Interval(low, 1.0 if share == 1 else min(1.0, centre + reach))
