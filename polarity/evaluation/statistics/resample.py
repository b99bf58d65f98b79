"""The bootstrap: scores of many systems on the same resampled rows."""

import numpy as np

from polarity.evaluation.statistics.counts import Counts, Statistics, blocks


def resample(counts: Counts, resamples: int, seed: int) -> Statistics:
    """Scores in ``resamples`` draws of as many units as there are, with replacement.

    All systems see the same draws, so that the difference of two columns is the paired bootstrap.

    Efron, Bootstrap Methods: Another Look at the Jackknife, Annals of Statistics 1979; for groups, Field and Welsh,
    Bootstrapping clustered data, JRSS B 2007.
    """
    generator = np.random.default_rng([seed, 0])
    return Statistics.joined(
        [counts.statistics(_weights(generator, size, counts.units) @ counts.matrix)
         for size in blocks(resamples, counts.units)]
    )  # fmt: skip


def _weights(generator: np.random.Generator, size: int, units: int) -> np.ndarray:
    """How often each unit was drawn, float32 ``[size, units]``."""
    weights = np.empty((size, units), dtype=np.float32)
    for row in weights:
        row[:] = np.bincount(generator.integers(0, units, size=units), minlength=units)
    return weights
