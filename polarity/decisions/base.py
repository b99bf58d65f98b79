"""What a decision is asked: from calibrated probabilities and labels of the validation rows, a rule."""

from abc import ABC, abstractmethod

import numpy as np

from polarity.component import Component
from polarity.decisions.rules import Rule
from polarity.tasks import Task


class Decision(Component, ABC):
    """Settings of a decision; one rule is fitted for each task.

    A fitted rule replaces plain argmax only where it earns it: its gain in macro-F1 on the validation rows, each
    decided by a rule fitted without the row's fold, has to exceed ``standard_errors`` times its standard error.

    :ivar standard_errors: see above; None keeps the rule whatever it gains.
    """

    standard_errors: float | None = 1.5

    @abstractmethod
    def fit(self, task: Task, log_probabilities: np.ndarray, labels: np.ndarray) -> Rule:
        """The rule of one task.

        :param log_probabilities: float64 ``[rows, classes]``, calibrated.
        :param labels: class indices ``[rows]``; every row has one, and at least two classes occur.
        """
