"""An interval from resampled values."""

import numpy as np

from polarity.evaluation.statistics.interval import Interval


def percentile_interval(drawn: np.ndarray, confidence: float = 0.95) -> Interval:
    """The percentile interval of the bootstrap.

    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13. In simulations of paired differences of
    macro-F1 its coverage was as good as that of the bias-corrected one, and it agrees with :func:`bootstrap_p`.

    :param drawn: resampled values ``[resamples]``.
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(float(low), float(high))


def bootstrap_p(drawn: np.ndarray) -> float:
    """Two-sided p-value of no difference: twice the share of resampled differences on the rarer side of 0.

    It is below ``1 - confidence`` just where the percentile interval leaves 0 out. Counting the sample itself as one
    resample keeps it from ever being 0.
    """
    below, above = int((drawn <= 0).sum()), int((drawn >= 0).sum())
    return min(1.0, 2 * (min(below, above) + 1) / (len(drawn) + 1))
