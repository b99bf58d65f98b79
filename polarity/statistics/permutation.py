"""Whether runs of two configurations could have been dealt out by chance."""

from math import comb

import numpy as np
from scipy.stats import permutation_test


def smallest_p(first: int, second: int) -> float:
    """The smallest p-value that so many runs can give: equal numbers may change places; one run is not tested."""
    return 1.0 if min(first, second) < 2 else (2 if first == second else 1) / comb(first + second, first)


def permutation_of_runs(first: np.ndarray, second: np.ndarray, *, most: int = 10_000, seed: int = 0) -> float:
    """Two-sided p-value that the runs' scores are from one configuration, exact if they can be dealt in few ways.

    It knows the spread of the seed, and assumes nothing about its form; the rows are taken as they are. With three
    runs each it cannot be below 0.1, so it needs four.

    Pitman, Significance Tests Which May be Applied to Samples from any Populations, 1937.

    :param first: scores of the runs of one configuration, ``[runs]``.
    :param second: scores of the other's.
    :param most: ways to deal out that are tried; beyond, they are drawn.
    """

    def distance(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
        return np.asarray(abs(np.mean(b, axis=axis) - np.mean(a, axis=axis)))

    done = permutation_test(
        (first, second),
        distance,
        permutation_type="independent",
        vectorized=True,
        n_resamples=most,
        alternative="greater",
        rng=np.random.default_rng([seed, 2]),
    )
    return float(done.pvalue)
