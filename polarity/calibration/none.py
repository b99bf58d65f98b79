"""No calibration."""

import numpy as np

from polarity.calibration.base import Calibration
from polarity.calibration.scaling import Scaling


class NoCalibration(Calibration):
    """Probabilities are the softmax of the raw logits."""

    standard_errors = None

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> Scaling:
        return Scaling.identity(logits.shape[1])
