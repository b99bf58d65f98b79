"""The rows that were most confidently wrong: where labels are doubtful, or the model has learnt something wrong."""

import numpy as np

from polarity.analysis.result import Mistake
from polarity.evaluation.predictions import Predictions, TaskPredictions

SHOWN = 50


def mistakes(predictions: Predictions, shown: int = SHOWN) -> tuple[Mistake, ...]:
    """For each task the rows whose honest decision is wrong, by the probability of that decision.

    At most ``shown`` of them, and beyond these the first of every pair of label and decision, so that none is missing.
    """
    return tuple(
        mistake
        for item in predictions.tasks
        if item.probabilities is not None
        for mistake in _of_task(predictions.ids, item, item.probabilities, shown)
    )


def _of_task(ids: list[str], item: TaskPredictions, probabilities: np.ndarray, shown: int) -> list[Mistake]:
    decided = item.honest
    wrong = np.flatnonzero(item.known & (decided != item.labels))
    confidence = probabilities[wrong, decided[wrong]]
    order = wrong[np.argsort(-confidence, kind="stable")]
    _, first = np.unique(np.stack([item.labels[order], decided[order]]), axis=1, return_index=True)
    order = order[np.union1d(np.arange(min(shown, len(order))), first)]
    return [
        Mistake(
            row=row,
            id=ids[row],
            task=item.task.name,
            label=item.task.classes[item.labels[row]],
            predicted=item.task.classes[decided[row]],
            confidence=float(probabilities[row, decided[row]]),
            label_probability=float(probabilities[row, item.labels[row]]),
        )
        for row in order.tolist()
    ]
