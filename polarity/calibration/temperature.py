"""Temperature scaling."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax

from polarity.calibration.base import Calibration
from polarity.calibration.scaling import Scaling
from polarity.settings import NonNegative

FLATTEST = -float(np.log(100))
"""Logarithm of the smallest 1 / T that is looked for, where the logits are as far apart as 1.

All classes are equally probable then, by one in a hundred; with less, roundings would tell what a rule decides.
"""

SEARCHED = 10.0
"""Larger ones are looked for in steps of that, until one is large enough."""


class TemperatureScaling(Calibration):
    """One temperature for all classes of a task.

    Guo et al., On Calibration of Modern Neural Networks, ICML 2017 (arXiv 1706.04599). With raw logits z of the rows
    that have a label y,

        p = softmax(z / T),  T minimises the mean of -log p_y

    The mean is convex in 1 / T, so its minimum is where the derivative, the mean of E_p[z] - z_y, is 0: the root is
    found to machine precision. No decision by argmax changes.

    Where no row is wrong, ever smaller T would be better and nothing can be learnt: T stays 1. Where the logits are no
    better than chance, ever larger T would be better: the probabilities become equal to one in a hundred.

    :param standard_errors: how many standard errors the cross-fitted likelihood has to gain, or the plain softmax is
        kept; None keeps the scaling always.
    """

    def __init__(self, *, standard_errors: NonNegative | None = 1.0) -> None:
        self.standard_errors = standard_errors

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> Scaling:
        return Scaling((inverse_temperature(logits, labels),) * logits.shape[1], (0.0,) * logits.shape[1])


def inverse_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """1 / T.

    :param logits: float64 ``[rows, classes]``.
    :param labels: class indices ``[rows]``.
    """
    apart = logits - logits.max(axis=1, keepdims=True)
    size = float(-apart.min())
    if size == 0:
        return 1.0
    apart /= size  # so that the search does not depend on the unit of the logits
    hit = apart[np.arange(len(labels)), labels].mean()

    def slope(log_inverse: float) -> float:
        expected = (softmax(apart * np.exp(log_inverse), axis=1) * apart).sum(axis=1).mean()
        return float(expected - hit)

    if hit == 0:  # no row is wrong: the slope is below 0 everywhere, though it may be too small for a float
        return 1.0
    if slope(FLATTEST) >= 0:
        return float(np.exp(FLATTEST) / size)
    largest = SEARCHED
    while slope(largest) < 0:
        largest += SEARCHED
    return float(np.exp(brentq(slope, FLATTEST, largest, xtol=1e-13)) / size)
