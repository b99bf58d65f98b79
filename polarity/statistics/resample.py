"""Scores of many systems on other samples of the same rows, or of the same groups of rows."""

from dataclasses import fields

import numpy as np

from polarity.statistics.counts import Counts, Statistics, blocks

AT_ONCE = 20_000
"""Units that are drawn in one call: as many as the processor's cache holds."""

NAMES = tuple(item.name for item in fields(Statistics))


def resample(counts: Counts, resamples: int, seed: int) -> Statistics:
    """Scores in ``resamples`` samples as far from the rows at hand as other rows would be.

    All systems see the same samples, so that the spread of the difference of two columns is that of the paired
    difference. Independent rows are drawn with replacement (Efron, Bootstrap Methods: Another Look at the Jackknife,
    Annals of Statistics 1979): rows that count alike are
    drawn together, as the multinomial distribution that their numbers then have. For groups, whose bootstrap is too
    narrow where they are few, see :func:`jackknife_samples`.
    """
    if counts.grouped:
        return jackknife_samples(counts)
    generator = np.random.default_rng([seed, 0])
    if counts.times is not None:
        shares = counts.times / counts.units
        parts = [
            generator.multinomial(counts.units, shares, size).astype(np.float64)
            for size in blocks(resamples, len(shares))
        ]
        return Statistics.joined([counts.statistics(part @ counts.matrix) for part in parts])
    return Statistics.joined(
        [counts.statistics(draws(generator, size, counts.units) @ counts.matrix)
         for size in blocks(resamples, counts.units)]
    )  # fmt: skip


def jackknife_samples(counts: Counts) -> Statistics:
    r"""Values with the variances and covariances (``ddof=1``) of the jackknife over g groups, ``n`` = 2 g.

    .. math:: \theta \pm \sqrt{\tfrac{(g - 1) (2 g - 1)}{2 g}} (\theta_{(-j)} - \theta), \quad j = 1, \ldots, g

    where theta is a score of all rows and :math:`\theta_{(-j)}` that without group j. Their standard deviation is the
    standard error of the jackknife (CV3, MacKinnon, Nielsen and Webb, Journal of Applied Econometrics 2023), which
    holds for few groups together with Student's quantiles at :meth:`Counts.freedom` degrees of freedom. Nothing is
    drawn; quantiles of these values mean nothing.
    """
    whole = counts.observed()
    without = counts.statistics(counts.matrix.sum(axis=0, dtype=np.float64) - counts.matrix)
    factor = np.sqrt((counts.units - 1) * (2 * counts.units - 1) / (2 * counts.units))

    def mirrored(name: str) -> np.ndarray:
        centre = getattr(whole, name)
        pulls = factor * (getattr(without, name) - centre)
        return np.concatenate([centre + pulls, centre - pulls])

    return Statistics(*map(mirrored, NAMES))


def draws(generator: np.random.Generator, size: int, units: int) -> np.ndarray:
    """How often each unit was drawn, float32 ``[size, units]``."""
    weights = np.empty((size, units), dtype=np.float32)
    several = max(1, AT_ONCE // units)
    for start in range(0, size, several):
        drawn = generator.integers(0, units, size=(min(several, size - start), units))
        drawn += units * np.arange(len(drawn))[:, None]  # a number of its own for each unit of each sample
        weights[start : start + several] = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
    return weights
