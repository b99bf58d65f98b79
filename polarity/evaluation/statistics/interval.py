"""An interval, and the one of a share that needs no resampling."""

from dataclasses import dataclass

from scipy.stats import binomtest


@dataclass(frozen=True)
class Interval:
    """A confidence interval.

    :param low: its lower end.
    :param high: its upper end.
    """

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


UNKNOWN = Interval(0.0, 1.0)
"""The interval of a share about which no row says anything."""


def share_interval(hits: int, trials: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of ``hits`` out of ``trials``: accuracy, precision, recall.

    Wilson, Probable Inference, JASA 1927. Unlike the bootstrap it has a width where all or none of few rows are right.
    """
    if trials == 0:
        return UNKNOWN
    found = binomtest(hits, trials).proportion_ci(confidence, method="wilson")
    return Interval(float(found.low), float(found.high))


def f1_interval(hits: int, predicted: int, actual: int, confidence: float = 0.95) -> Interval:
    """Interval of one class's F1.

    F1 = 2 J / (1 + J) grows with J = hits / (predicted + actual - hits), which is a share of the rows that are
    predicted as the class or belong to it; so its ends are those of Wilson's interval of J.
    """
    union = share_interval(hits, predicted + actual - hits, confidence)
    return Interval(2 * union.low / (1 + union.low), 2 * union.high / (1 + union.high))
