"""The majority class."""

from collections.abc import Sequence

import numpy as np

from polarity.tasks import Task

RAREST = 1e-6
"""Probability of a class without a training row."""


def majority_logits(tasks: Sequence[Task], counts: Sequence[np.ndarray], rows: int) -> list[np.ndarray]:
    """The same for every row: the logarithm of each class's share of the training rows, so that the largest wins.

    Its macro-F1 is 2 s / (1 + s) / K with the majority's share s of the rows scored and K classes.

    :param counts: training rows by class, one array per task.
    :param rows: how many rows to predict.
    :returns: float32 ``[rows, classes]``, one array per task.
    """
    logits = []
    for task, count in zip(tasks, counts, strict=True):
        shares = np.maximum(count / max(1, count.sum()), RAREST) if count.sum() else np.ones(len(task.classes))
        logits.append(np.tile(np.log(shares / shares.sum()).astype(np.float32), (rows, 1)))
    return logits
