"""What a calibration is asked: from logits and labels that the model was not trained on, a scaling of logits."""

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np

from polarity.calibration.scaling import Scaling
from polarity.component import Component


class Exceeding(Protocol):
    """A gain that knows its standard error."""

    def exceeds(self, standard_errors: float) -> bool:
        """Whether it is larger than so many of them."""


class Calibration(Component, ABC):
    """Settings of a calibration; one scaling is fitted for each task.

    It replaces the plain softmax only where it earns it: the fall of the negative log-likelihood on the validation
    rows, each judged by a scaling fitted without the row's fold, has to exceed ``standard_errors`` times its standard
    error, that of the rows or that which the plain softmax itself expects, whichever is larger.

    :ivar standard_errors: see above; None keeps the scaling whatever it gains.
    """

    standard_errors: float | None = 1.0

    def keeps(self, lowered: Exceeding) -> bool:
        """Whether a scaling with this cross-fitted fall is kept."""
        return self.standard_errors is None or lowered.exceeds(self.standard_errors)

    @abstractmethod
    def fit(self, logits: np.ndarray, labels: np.ndarray) -> Scaling:
        """The scaling of one task.

        :param logits: float64 ``[rows, classes]``, raw.
        :param labels: class indices ``[rows]``; every row has one, and at least two classes occur.
        """
