"""The gain in macro-F1 of one way of deciding over another on the same rows, with its standard error."""

import math
from dataclasses import dataclass

import numpy as np

from polarity.evaluation.metrics import score_task
from polarity.tasks import Task


@dataclass(frozen=True)
class Gain:
    """Macro-F1 of the second minus that of the first.

    :param standard_error: of the difference, the rows being a sample; 0 where all decisions are the same.
    """

    value: float
    standard_error: float

    def exceeds(self, standard_errors: float) -> bool:
        """Whether it is larger than so many standard errors, and larger than 0."""
        return self.value > max(1e-12, standard_errors * self.standard_error)


def gain(task: Task, labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> Gain:
    """The gain of ``second`` over ``first``; class indices ``[rows]``, every row with a label.

    The standard error is that of the delta method. With the shares v of rows that are of class c or decided as c (a row
    that is both counts twice) and F the class's F1, row i pulls F by

        (2 [i is a hit of c] - F ([label is c] + [decision is c])) / v

    and the variance of the difference is that of the mean of these pulls, second minus first, averaged over classes.
    """
    scores = [score_task(task, labels, decided) for decided in (first, second)]
    values = [score.macro_f1 for score in scores]
    if values[0] is None or values[1] is None:
        return Gain(0.0, 0.0)
    pulls = _pulls(labels, second, len(task.classes)) - _pulls(labels, first, len(task.classes))
    error = float(pulls.std(ddof=1)) / math.sqrt(len(labels)) if len(labels) > 1 else 0.0
    return Gain(values[1] - values[0], error)


def _pulls(labels: np.ndarray, decided: np.ndarray, classes: int) -> np.ndarray:
    """How each row pulls macro-F1, float64 ``[rows]``."""
    total = np.zeros(len(labels))
    for c in range(classes):
        involved = (labels == c).astype(np.float64) + (decided == c)
        hits = (labels == c) & (decided == c)
        share = involved.mean()
        if share:
            total += (2 * hits - 2 * hits.mean() / share * involved) / share
    return total / classes
