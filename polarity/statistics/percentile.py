"""An interval and a p-value from resampled values."""

import numpy as np
from scipy.special import ndtri  # the quantile of the normal distribution
from scipy.stats import t as student

from polarity.statistics.counts import Counts
from polarity.statistics.groups import FEWEST
from polarity.statistics.interval import Interval

_QUANTILES = ndtri((np.arange(51) + 0.5) / 51)
NORMAL = _QUANTILES / _QUANTILES.std()
"""Quantiles of the standard normal distribution, of variance 1."""


def sample_interval(
    value: float,
    drawn: np.ndarray,
    counts: Counts,
    confidence: float = 0.95,
    *,
    task: int | None = None,
    lowest: float = 0.0,
    hidden: float = 0.0,
) -> Interval | None:
    """The interval of a score, or of a difference; None where the rows are of one group, and nothing can be said.

    Of independent rows it is :func:`percentile_interval`, with the value within it, of groups Student's. Where no
    sample differs, as those of a single row, it reaches as far as what none of the rows showed may still be there
    (Wilson's bound).

    :param drawn: resampled values ``[resamples]`` of these counts.
    :param task: that the score is of; None for all.
    :param lowest: the smallest value that is possible, -1 for a difference; the largest is 1.
    :param hidden: standard error of what no sample shows, of :func:`~polarity.statistics.unseen.hidden_error`.
    """
    freedom = counts.freedom(task)
    if freedom is not None and freedom < FEWEST:
        return None
    if not hidden and not np.ptp(drawn):
        reach = _unseen(counts.effective_units(task), confidence)
    elif freedom is None:
        # classes of a row or two are often not drawn at all, and all resamples may lie on one side of the value
        found = percentile_interval(_with_hidden(drawn, hidden), confidence)
        return Interval(max(lowest, min(found.low, value)), min(1.0, max(found.high, value)))
    else:
        reach = float(student.ppf((1 + confidence) / 2, freedom) * np.hypot(drawn.std(ddof=1), hidden))
    return Interval(max(lowest, value - reach), min(1.0, value + reach))


def _with_hidden(drawn: np.ndarray, hidden: float) -> np.ndarray:
    """Resampled values with an independent normal part of this standard error: each with each of its quantiles."""
    if not hidden:
        return drawn
    return np.asarray(np.add.outer(drawn, hidden * NORMAL)).ravel()


def _unseen(units: float, confidence: float) -> float:
    """The share of rows that may well differ although none of those at hand does."""
    square = float(ndtri((1 + confidence) / 2)) ** 2
    return square / (units + square)


def sample_p(value: float, drawn: np.ndarray, counts: Counts, *, task: int | None = None, hidden: float = 0.0) -> float:
    """Two-sided p-value of no difference, which agrees with :func:`sample_interval`; 1 where nothing can be said."""
    freedom = counts.freedom(task)
    if freedom is None:
        return bootstrap_p(drawn, hidden)
    error = float(np.hypot(drawn.std(ddof=1), hidden))
    if freedom < FEWEST or not (hidden or np.ptp(drawn)):
        return 1.0
    return float(2 * student.sf(abs(value) / error, freedom))


def percentile_interval(drawn: np.ndarray, confidence: float = 0.95) -> Interval:
    """The percentile interval of the bootstrap.

    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13. In simulations of paired differences of
    macro-F1 its coverage was as good as that of the bias-corrected one, and it agrees with :func:`bootstrap_p`.

    :param drawn: resampled values ``[resamples]``.
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(float(low), float(high))


def bootstrap_p(drawn: np.ndarray, hidden: float = 0.0) -> float:
    """Two-sided p-value of no difference: twice the share of resampled differences on the rarer side of 0.

    It is below ``1 - confidence`` just where the percentile interval leaves 0 out. Counting the sample itself as one
    resample keeps it from ever being 0.
    """
    values = _with_hidden(drawn, hidden)
    rarer = len(drawn) * float(min((values <= 0).mean(), (values >= 0).mean()))
    return min(1.0, 2 * (rarer + 1) / (len(drawn) + 1))
