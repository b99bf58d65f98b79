"""Plain argmax."""

import numpy as np

from polarity.decisions.base import Decision
from polarity.decisions.rules import LargestLogit, Rule
from polarity.tasks import Task


class Argmax(Decision):
    """The class with the largest raw logit; nothing is fitted."""

    standard_errors = None

    def fit(self, task: Task, log_probabilities: np.ndarray, labels: np.ndarray) -> Rule:
        return LargestLogit()
