"""How many rows, or seeds, it would take to see a difference."""

import math
from dataclasses import replace

import numpy as np
from scipy.stats import chi2
from scipy.stats import t as student

from polarity.statistics.seeds import SeedEstimate, SeedVariance

POWER = 0.8
MOST_SEEDS = 1000
SURE = 0.8
"""Confidence of the range that the number of seeds is given as."""


def rows_needed(estimate: SeedEstimate, rows: int, difference: float, level: float = 0.05) -> int | None:
    """Rows with which a true ``difference`` is found with a power of 80 %, the number of seeds staying as it is.

    The variance from rows falls as 1 / rows, as does the error of what no row shows; that from seeds does not.
    Student's quantiles are those of the degrees of freedom that there would be then.

    :param rows: rows that ``estimate`` comes from.
    :param level: of the test; of n pairs that are corrected by Holm's method, its first step, alpha / n.
    :returns: None where the seeds alone vary too much.
    """

    def missing(factor: float) -> bool:
        seeds = estimate.seeds
        if seeds is not None:
            beyond = max(0.0, seeds.variance - seeds.interaction)
            seeds = SeedVariance(beyond + seeds.interaction / factor, seeds.interaction / factor, seeds.freedom)
        rows, hidden = estimate.rows / factor, estimate.hidden / factor
        then = replace(estimate, rows=rows, hidden=hidden, units=estimate.units * factor, seeds=seeds)
        return bool(then.error * _reach(then.freedom, level) > difference)

    low, high = 1 / rows, 1e9
    if missing(high):
        return None
    while high / low > 1 + 1e-6:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if missing(middle) else (low, middle)
    return max(1, math.ceil(rows * high))


def seeds_needed(estimate: SeedEstimate, difference: float, level: float = 0.05) -> tuple[int, int | None] | None:
    """Seeds of each configuration with which a true ``difference`` is found with a power of 80 %, on the same rows.

    Few runs know little of the variance between them, so it is a range: from the least to the most seeds that the
    variances of its 80 % confidence interval (chi-square) ask for.

    :returns: None where the rows alone vary too much, or where nothing is known about the seed; an upper end of None
        where it is beyond 1000.
    """
    if estimate.seeds is None:
        return None
    ends = chi2.ppf([(1 + SURE) / 2, (1 - SURE) / 2], estimate.seeds.freedom)
    low, high = (_seeds(estimate, estimate.seeds.freedom / end, difference, level) for end in ends)
    return None if low is None else (low, high)


def _seeds(estimate: SeedEstimate, factor: float, difference: float, level: float) -> int | None:
    """Seeds of each, if the variance between runs is ``factor`` times what was found."""
    assert estimate.seeds is not None
    seeds = np.arange(2, MOST_SEEDS + 1)
    common = max(0.0, estimate.of_rows - estimate.seeds.interaction * estimate.share)
    part = max(factor * estimate.seeds.variance, estimate.seeds.interaction) * estimate.sides / seeds
    total = common + part
    shares = part / np.maximum(total, np.finfo(float).tiny)
    freedom = 1 / (shares / (estimate.sides * (seeds - 1)) + (1 - shares) / max(estimate.units - 1, 1))
    enough = seeds[np.sqrt(total) * _reach(freedom, level) <= difference]
    return int(enough[0]) if len(enough) else None


def _reach(freedom: np.ndarray | float, level: float) -> np.ndarray:
    """Standard errors that a difference has to measure."""
    return np.asarray(student.isf(level / 2, freedom) + student.ppf(POWER, freedom))
