"""The plain average."""

import numpy as np

from polarity.ensembles.blend import Blend
from polarity.systems.combination import Combination, LinearPool
from polarity.tasks import Task


class Average(Blend):
    """The mean of the members' calibrated probabilities; nothing is fitted beside their calibrations.

    Lakshminarayanan, Pritzel and Blundell, Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles,
    NeurIPS 2017 (arXiv 1612.01474).
    """

    def fit(self, task: Task, log_probabilities: np.ndarray, labels: np.ndarray) -> Combination:
        return LinearPool.equal(len(log_probabilities))
