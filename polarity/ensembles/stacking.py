"""Stacking."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from polarity.ensembles.blend import Blend
from polarity.settings import Positive
from polarity.systems.combination import LEAST, Combination, Stack
from polarity.tasks import Task


class Stacking(Blend):
    r"""Multinomial logistic regression on the members' log-probabilities, pulled towards their mean.

    With x the members' calibrated log-probabilities (none below log 1e-6) and A_m, b as in
    :class:`~polarity.systems.combination.Stack`,

    .. math:: (A, b) \text{ minimise } \sum_i -\log p(y_i \mid x_i) + \frac{\text{penalty}}{2}
        \Bigl[\sum_m \lVert A_m - I / M \rVert^2 + \lVert b \rVert^2\Bigr]

    so that without rows it would be the geometric mean of the M members. Wolpert, Stacked Generalization, Neural
    Networks 5, 1992; Ting and Witten, Issues in Stacked Generalization, JAIR 10, 1999.

    :param penalty: strength of the pull, in rows.
    """

    def __init__(self, *, penalty: Positive = 100.0) -> None:
        self.penalty = penalty

    def fit(self, task: Task, log_probabilities: np.ndarray, labels: np.ndarray) -> Combination:
        members, rows, classes = log_probabilities.shape
        x = np.maximum(log_probabilities, LEAST).transpose(1, 0, 2).reshape(rows, members * classes)
        x = np.column_stack([x, np.ones(rows)])
        truth = np.eye(classes)[labels]
        origin = np.column_stack([np.tile(np.eye(classes) / members, members), np.zeros(classes)])

        def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
            moved = flat.reshape(origin.shape)
            log_p = log_softmax(x @ (origin + moved).T, axis=1)
            slope = (np.exp(log_p) - truth).T @ x + self.penalty * moved
            loss = -log_p[np.arange(rows), labels].sum() + 0.5 * self.penalty * (moved**2).sum()
            return float(loss / rows), slope.ravel() / rows

        options = {"maxiter": 1000, "ftol": 1e-12, "gtol": 1e-8}
        found = minimize(objective, np.zeros(origin.size), jac=True, method="L-BFGS-B", options=options)
        fitted = origin + found.x.reshape(origin.shape)
        return Stack(fitted[:, :-1].reshape(classes, members, classes), fitted[:, -1])
