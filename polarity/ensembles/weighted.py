"""A weighted average."""

import numpy as np
from scipy.special import log_softmax

from polarity.ensembles.blend import Blend
from polarity.settings import NonNegative
from polarity.systems.combination import Combination, LinearPool
from polarity.tasks import Task

STEPS, SETTLED = 10_000, 1e-9


class Weighted(Blend):
    r"""The mean of the members' calibrated probabilities with weights that make the validation labels likely.

    .. math:: w \text{ maximises } \sum_i \log \sum_m w_m p_m(y_i) + \text{prior} \sum_m \log w_m
        \quad\text{on}\quad w_m \ge 0, \sum_m w_m = 1

    The sum is concave, and found by expectation maximisation: each step gives a member the share of the rows that it
    answers for (Smyth and Wolpert, Linearly Combining Density Estimators via Stacking, Machine Learning 36, 1999).

    :param prior: rows added to each member, all alike: few rows cannot take the weights far from the plain average.
    """

    def __init__(self, *, prior: NonNegative = 10.0) -> None:
        self.prior = prior

    def fit(self, task: Task, log_probabilities: np.ndarray, labels: np.ndarray) -> Combination:
        said = log_probabilities[:, np.arange(len(labels)), labels]  # [members, rows]
        members, rows = said.shape
        weights = np.full(members, 1 / members)
        for _ in range(STEPS):
            with np.errstate(divide="ignore"):  # a weight may fall to 0
                shares = np.exp(log_softmax(np.log(weights)[:, None] + said, axis=0))
            moved = (shares.sum(axis=1) + self.prior) / (rows + members * self.prior)
            settled = np.abs(moved - weights).max() < SETTLED
            weights = moved
            if settled:
                break
        return LinearPool(tuple((weights / weights.sum()).tolist()))
