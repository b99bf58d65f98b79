"""Whether the first seeds of a configuration leave it a chance."""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean

ERRORS = 2.0
"""Standard errors below the best mean from which on nothing is expected any more."""


def hopeless(scores: Sequence[float], complete: Sequence[Sequence[float]]) -> bool:
    """Whether the mean of some seeds lies further below the best mean than the seeds of all configurations explain.

    The standard error of the difference of both means comes from the variance within configurations, pooled over all
    that are complete, as in a one-way analysis of variance.

    :param scores: of its seeds so far; higher is better.
    :param complete: those of each configuration with all of its seeds; with fewer than two nothing is known.
    """
    if not scores or len(complete) < 2:
        return False
    freedom = sum(len(one) - 1 for one in complete)
    within = sum((score - fmean(one)) ** 2 for one in complete for score in one) / freedom
    best = max(complete, key=fmean)
    error = sqrt(within * (1 / len(scores) + 1 / len(best)))
    return fmean(scores) < fmean(best) - ERRORS * error
