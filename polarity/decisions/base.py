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

    def fit_part(self, task: Task, log_probabilities: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> Rule:
        """The same for a part of the rows, as cross-fitting takes it: what goes by how many there are goes by all.

        Else a class that has just enough rows would be moved by the rule of all, and by none of those that judge it.

        :param counts: labelled rows of each class in all, ``[classes]``.
        """
        return self.fit(task, log_probabilities, labels)
