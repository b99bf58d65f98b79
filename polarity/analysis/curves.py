"""Precision and recall of each class as the threshold on its probability rises."""

import numpy as np

from polarity.analysis.result import PrecisionRecall
from polarity.evaluation.predictions import TaskPredictions

POINTS = 200
"""Points of the curve that are kept; more cannot be seen."""

THRESHOLDS = np.linspace(0, 1, 101)
"""Where hits and false alarms are counted, for tools that want them at even steps."""


def curves(predictions: TaskPredictions) -> tuple[PrecisionRecall, ...]:
    """One curve for each class, over the labelled rows; none without probabilities or labels."""
    known = predictions.known
    if predictions.probabilities is None or not known.any():
        return ()
    labels, probabilities = predictions.labels[known], predictions.probabilities[known]
    return tuple(
        _curve(predictions.task.name, label, labels == c, probabilities[:, c])
        for c, label in enumerate(predictions.task.classes)
    )


def _curve(task: str, label: str, hits: np.ndarray, probabilities: np.ndarray) -> PrecisionRecall:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    support = int(hits.sum())
    counted = {"hits": _at_least(probabilities[hits]), "false_alarms": _at_least(probabilities[~hits])}
    if not support:
        return PrecisionRecall(task, label, 0, None, 0.0, (), (), (), **counted)
    precision, recall, thresholds = precision_recall_curve(hits, probabilities)
    kept = _kept(recall[:-1])  # the last point, of no row at all, has no threshold
    return PrecisionRecall(
        task=task,
        label=label,
        support=support,
        average_precision=float(average_precision_score(hits, probabilities)),
        prevalence=float(hits.mean()),
        recall=tuple(float(value) for value in recall[kept]),
        precision=tuple(float(value) for value in precision[kept]),
        thresholds=tuple(float(value) for value in thresholds[kept]),
        **counted,
    )


def _at_least(probabilities: np.ndarray) -> tuple[int, ...]:
    """How many are at least as large as each of the thresholds."""
    below = np.searchsorted(np.sort(probabilities), THRESHOLDS, side="left")
    return tuple(int(count) for count in len(probabilities) - below)


def _kept(recall: np.ndarray) -> np.ndarray:
    """Numbers of the points to keep: both ends, and about as many at every recall."""
    if len(recall) <= POINTS:
        return np.arange(len(recall))
    wanted = np.linspace(recall[0], recall[-1], POINTS)
    found = len(recall) - 1 - np.searchsorted(recall[::-1], wanted, side="left")
    return np.unique(np.concatenate([[0], np.clip(found, 0, len(recall) - 1), [len(recall) - 1]]))
