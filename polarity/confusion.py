"""How many rows of each class were taken for each other: the one count that all scores and decision rules come from."""

import numpy as np

from polarity.tasks import IGNORE_INDEX


def confusion(labels: np.ndarray, decided: np.ndarray, classes: int) -> np.ndarray:
    """Confusion of the labelled rows, int64 ``[classes, classes]``: rows are labels, columns decisions.

    :param labels: class indices ``[rows]``; rows with ``IGNORE_INDEX`` do not count.
    :param decided: class indices ``[rows]``.
    """
    import torch
    from torchmetrics.functional.classification import multiclass_confusion_matrix  # seconds, which few verbs need

    found, known = (torch.from_numpy(np.ascontiguousarray(each, dtype=np.int64)) for each in (decided, labels))
    table = multiclass_confusion_matrix(
        found, known, num_classes=classes, ignore_index=IGNORE_INDEX, validate_args=False
    )
    return np.asarray(table)


def class_counts(labels: np.ndarray, classes: int) -> np.ndarray:
    """Labelled rows of each class, int64 ``[classes]``.

    :param labels: class indices ``[rows]``; ``IGNORE_INDEX`` does not count.
    """
    return np.bincount(labels[labels != IGNORE_INDEX], minlength=classes)
