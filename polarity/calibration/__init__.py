"""Calibrations: probabilities that mean what they say. One method a file, chosen by ``calibration=NAME``.

>>> import numpy as np
>>> logits, labels = np.array([[4.0, 0.0]] * 4), np.array([0, 0, 0, 1])  # 98 % sure, right three times out of four
>>> np.exp(TemperatureScaling().fit(logits, labels).log_probabilities(logits))[0].round(6).tolist()
[0.75, 0.25]
"""

from polarity.calibration.base import Calibration
from polarity.calibration.none import NoCalibration
from polarity.calibration.scaling import Scaling
from polarity.calibration.temperature import TemperatureScaling
from polarity.calibration.vector import VectorScaling

__all__ = ["Calibration", "NoCalibration", "Scaling", "TemperatureScaling", "VectorScaling"]
