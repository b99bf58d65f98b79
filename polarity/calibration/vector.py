"""Vector scaling."""

from typing import Annotated

import numpy as np
from pydantic import Field
from scipy.optimize import minimize
from scipy.special import log_softmax

from polarity.calibration.base import Calibration
from polarity.calibration.scaling import Scaling
from polarity.calibration.temperature import inverse_temperature
from polarity.settings import NonNegative

Strength = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class VectorScaling(Calibration):
    r"""A scale and a shift for each class of a task.

    Guo et al., On Calibration of Modern Neural Networks, ICML 2017 (arXiv 1706.04599), with a pull towards temperature
    scaling, so that a class of few rows is not fitted to them. With raw logits z, labels y and the temperature T,

    .. math:: p = \operatorname{softmax}(w z + b), \quad (w, b) \text{ minimise } \sum_i -\log p_{i, y_i}
        + \frac{\text{penalty}}{2} \sum_c \bigl[(w_c T - 1)^2 + b_c^2\bigr]

    The sum is strictly convex, so that there is one answer. A class without a labelled row keeps 1 / T and 0. The order
    of a row's probabilities may differ from that of its logits; ``decision=argmax`` looks at the logits.

    :param penalty: strength of the pull, in rows.
    :param standard_errors: as of :class:`~polarity.calibration.temperature.TemperatureScaling`.
    """

    def __init__(self, *, penalty: Strength = 1.0, standard_errors: NonNegative | None = 1.0) -> None:
        self.penalty = penalty
        self.standard_errors = standard_errors

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> Scaling:
        rows, classes = logits.shape
        start = inverse_temperature(logits, labels)
        scaled, truth = logits * start, np.eye(classes)[labels]
        free = np.concatenate([truth.any(axis=0)] * 2)
        origin = np.concatenate([np.ones(classes), np.zeros(classes)])

        def objective(moved: np.ndarray) -> tuple[float, np.ndarray]:
            full = origin.copy()
            full[free] += moved
            log_p = log_softmax(scaled * full[:classes] + full[classes:], axis=1)
            error = np.exp(log_p) - truth
            slope = np.concatenate([(error * scaled).sum(axis=0), error.sum(axis=0)])[free] + self.penalty * moved
            loss = -log_p[np.arange(rows), labels].sum() + 0.5 * self.penalty * (moved**2).sum()
            return float(loss / rows), slope / rows

        options = {"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-9}
        found = minimize(objective, np.zeros(int(free.sum())), jac=True, method="L-BFGS-B", options=options)
        full = origin.copy()
        full[free] += found.x
        return Scaling(tuple((full[:classes] * start).tolist()), tuple(full[classes:].tolist()))
