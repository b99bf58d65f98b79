"""Labels that are hard to believe, and rows that are often taken for another class."""

import warnings
from collections.abc import Sequence

import numpy as np

from polarity.confusion import class_counts
from polarity.evaluation.metrics import score_task
from polarity.inspection.pool import Pool
from polarity.inspection.result import ConfusedPair, ConfusedRow, SuspiciousLabel, TaskLabels
from polarity.tasks import IGNORE_INDEX

LIKELIER = 3.0
"""A label is only suspected if another class is so many times as probable.

With 5 % of the labels of real tasks exchanged at random, confident learning alone suspected 28 to 34 % of all labels,
of which 10 to 12 % had been exchanged; of the 2 to 7 % that remain here, 27 to 35 % had been.
"""


def check_labels(pool: Pool, probabilities: Sequence[np.ndarray], most: int | None) -> tuple[TaskLabels, ...]:
    """What cross-validated models say about the labels of each task.

    :param probabilities: ``[repeats, rows, classes]`` of each task, each row's made without the row.
    :param most: rows kept in each list; None for all.
    """
    return tuple(_check(pool, number, of_task, most) for number, of_task in enumerate(probabilities))


def suspicious(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Rows whose label is probably wrong, the worst first.

    Confident learning: Northcutt, Jiang and Chuang, Journal of Artificial Intelligence Research 70, 2021
    (arXiv 1911.00068). A row of class i counts as a confident j if its probability of j is at least the mean that rows
    of class j have for it; these counts estimate how many labels i should be j, and so many rows are suspected, those
    first whose own label is furthest behind the most probable one. Of a weak model's suspicions most are its own
    mistakes; therefore only those remain where another class is ``LIKELIER`` times as probable.

    :param labels: class indices ``[rows]``, every row with one, at least two classes.
    :param probabilities: ``[rows, classes]``, each row's made without the row.
    """
    from cleanlab.filter import find_label_issues  # brings pandas, which nothing else needs

    seen, compact = np.unique(labels, return_inverse=True)  # cleanlab wants every class to occur
    inside = probabilities[:, seen].astype(np.float64)
    inside /= inside.sum(axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "May not flag all label issues")  # a class of one row: its label stays
        ranked = find_label_issues(compact, inside, return_indices_ranked_by="normalized_margin", n_jobs=1)
    found = np.asarray(ranked, dtype=np.int64)
    likelier = inside[found].max(axis=1) >= LIKELIER * inside[found, compact[found]]
    return np.compress(likelier, found)


def _check(pool: Pool, number: int, repeated: np.ndarray, most: int | None) -> TaskLabels:
    task, labels = pool.tasks[number], pool.rows.labels[:, number]
    known = np.flatnonzero(labels != IGNORE_INDEX)
    own = labels[known]
    none = dict.fromkeys(task.classes, 0)
    if len(np.unique(own)) < 2:
        return TaskLabels(task.name, len(known), None, none, (), (), ())
    mean = repeated[:, known].mean(axis=0)
    guess = mean.argmax(axis=1)
    found = suspicious(own, mean)
    counts = class_counts(own[found], len(task.classes)).tolist()
    examples = [
        SuspiciousLabel(
            row=pool.row(int(known[place])),
            task=task.name,
            label=task.classes[own[place]],
            suggested=task.classes[guess[place]],
            probability=float(mean[place, own[place]]),
            suggested_probability=float(mean[place, guess[place]]),
        )
        for place in found[:most]
    ]
    return TaskLabels(
        task=task.name,
        rows=len(known),
        macro_f1=score_task(task, own, guess).macro_f1,
        suspicious=dict(zip(task.classes, counts, strict=True)),
        examples=tuple(examples),
        pairs=_pairs(task.classes, task.name, own, guess),
        confused=_confused(pool, number, known, repeated[:, known], most),
    )


def _pairs(classes: Sequence[str], task: str, own: np.ndarray, guess: np.ndarray) -> tuple[ConfusedPair, ...]:
    table = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(table, (own, guess), 1)
    pairs = [
        ConfusedPair(task, classes[c], classes[other], int(table[c, other]), float(table[c, other] / table[c].sum()))
        for c in range(len(classes))
        for other in range(len(classes))
        if c != other and table[c, other]
    ]
    return tuple(sorted(pairs, key=lambda pair: -pair.rows))


def _confused(
    pool: Pool, number: int, known: np.ndarray, repeated: np.ndarray, most: int | None
) -> tuple[ConfusedRow, ...]:
    """The rows taken for another class in most repetitions; of equals, those of whose class it was surest."""
    task, own = pool.tasks[number], pool.rows.labels[known, number]
    places, mean = np.arange(len(own)), repeated.mean(axis=0)
    counts = np.zeros(mean.shape, dtype=np.int64)
    for guess in repeated.argmax(axis=2):
        counts[places, guess] += 1
    times = len(repeated) - counts[places, own]
    counts[places, own] = -1
    taken_for = (counts + mean / 2).argmax(axis=1)  # of classes with the same count, the more probable one
    sure = mean[places, taken_for]
    order = np.lexsort((-sure, -times))
    return tuple(
        ConfusedRow(
            row=pool.row(int(known[place])),
            task=task.name,
            label=task.classes[own[place]],
            predicted=task.classes[taken_for[place]],
            times=int(times[place]),
            repeats=len(repeated),
            probability=float(sure[place]),
        )
        for place in order[times[order] > 0][:most]
    )
