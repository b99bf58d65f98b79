"""How many rows of each class were taken for each other: the one count that all scores and decision rules come from."""

import numpy as np

from polarity.tasks import IGNORE_INDEX


def confusion(labels: np.ndarray, decided: np.ndarray, classes: int) -> np.ndarray:
    """Confusion of the labelled rows, int64 ``[classes, classes]``: rows are labels, columns decisions.

    :param labels: class indices ``[rows]``; rows with ``IGNORE_INDEX`` do not count.
    :param decided: class indices ``[rows]``.
    """
    known = labels != IGNORE_INDEX
    pairs = labels[known].astype(np.int64) * classes + decided[known]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def class_counts(labels: np.ndarray, classes: int) -> np.ndarray:
    """Labelled rows of each class, int64 ``[classes]``.

    :param labels: class indices ``[rows]``; ``IGNORE_INDEX`` does not count.
    """
    return np.bincount(labels[labels != IGNORE_INDEX], minlength=classes)
