"""What a blend is asked: from the members' calibrated probabilities and labels of validation rows, a combination."""

import re
from abc import ABC, abstractmethod

import numpy as np

from polarity.component import Component
from polarity.systems.combination import Combination
from polarity.tasks import Task


class Method(Component, ABC):
    """Settings of a way to make one system of several."""

    @property
    def name(self) -> str:
        """As in tables: the class's name, as its preset is called."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


class Blend(Method, ABC):
    """Settings of a way to put the members' probabilities together; one combination is fitted for each task."""

    @abstractmethod
    def fit(self, task: Task, log_probabilities: np.ndarray, labels: np.ndarray) -> Combination:
        """The combination of one task.

        :param log_probabilities: float64 ``[members, rows, classes]``, calibrated.
        :param labels: class indices ``[rows]``; every row has one, and at least two classes occur.
        """
