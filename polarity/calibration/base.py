"""What a calibration is asked: from logits and labels that the model was not trained on, a scaling of logits."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from polarity.calibration.scaling import Scaling
from polarity.tasks import Task


class Calibration(ABC):
    """Settings of a calibration; one scaling is fitted for each task."""

    def problems(self, tasks: Sequence[Task]) -> list[str]:
        """Settings that do not fit the tasks."""
        return []

    @abstractmethod
    def fit(self, logits: np.ndarray, labels: np.ndarray) -> Scaling:
        """The scaling of one task.

        :param logits: float64 ``[rows, classes]``, raw.
        :param labels: class indices ``[rows]``; every row has one, and at least two classes occur.
        """

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"
