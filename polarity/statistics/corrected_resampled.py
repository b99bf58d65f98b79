"""The corrected resampled estimate: what the scores of folds, which share their training rows, say of a mean."""

from collections.abc import Sequence

import numpy as np

from polarity.statistics.seeds import SeedEstimate

SAME = 1e-12
"""Scores that are no further apart are equal but for rounding."""


def corrected_resampled(
    values: Sequence[float] | np.ndarray, ratio: float, centre: float | None = None
) -> SeedEstimate:
    r"""A score, or a difference of two, with the error that folds leave it.

    Folds are trained on nearly the same rows, so that their scores are alike, and s^2 / J is too small a variance of
    their mean. With J folds in all, s^2 the variance between their values, and n_2 / n_1 held-out rows by other rows,

    .. math:: \operatorname{Var} = \left(\tfrac{1}{J} + \tfrac{n_2}{n_1}\right) s^2

    and Student's t has J - 1 degrees of freedom. Simulated in ``benchmarks/folds.py``.

    Nadeau and Bengio, Inference for the Generalization Error, Machine Learning 2003; for repeated cross-validation,
    Bouckaert and Frank, Evaluating the Replicability of Significance Tests, PAKDD 2004.

    :param values: of the folds of all repeats, at least 2.
    :param ratio: n_2 / n_1; 1 / (K - 1) of K folds.
    :param centre: the estimate itself, where that is not the mean of the values.
    """
    values = np.asarray(values, dtype=np.float64)
    spread = 0.0 if np.ptp(values) < SAME else float(values.var(ddof=1))
    variance = (1 / len(values) + ratio) * spread
    return SeedEstimate(float(values.mean()) if centre is None else centre, variance, len(values))
