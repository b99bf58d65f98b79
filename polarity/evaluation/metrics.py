"""Precision, recall, F1 and macro-F1 over all rows of a split, from one confusion matrix per task."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polarity.confusion import confusion
from polarity.content import Json
from polarity.tasks import Task


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class, as fractions; 0 where a denominator is 0 (as scikit-learn with ``zero_division=0``)."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class TaskScore:
    """Scores of one task over the labelled rows of a split.

    :param macro_f1: mean F1 of ALL configured classes, an absent class counting 0; None without labelled rows.
    :param confusion: int64 ``[classes, classes]``, rows are labels, columns predictions.
    """

    rows: int
    macro_f1: float | None
    accuracy: float | None
    per_class: dict[str, ClassScore]
    confusion: np.ndarray


@dataclass(frozen=True)
class Scores:
    """Scores of a split.

    :param overall: mean macro-F1 over the tasks that have labelled rows.
    """

    rows: int
    overall: float
    tasks: dict[str, TaskScore]

    def to_dict(self) -> Json:
        """The section of ``metrics.json`` that belongs to one split; a task without labelled rows has no scores."""
        none = {"precision": None, "recall": None, "f1": None, "support": 0}
        tasks = {
            name: {
                "rows": score.rows,
                "macro_f1": score.macro_f1,
                "accuracy": score.accuracy,
                "per_class": {label: vars(value) if score.rows else none for label, value in score.per_class.items()},
            }
            for name, score in self.tasks.items()
        }
        return {"rows": self.rows, "overall": self.overall, "tasks": tasks}


def score_task(task: Task, labels: np.ndarray, predictions: np.ndarray) -> TaskScore:
    """Scores of one task.

    :param labels: class indices ``[rows]``; rows with ``IGNORE_INDEX`` do not count.
    :param predictions: class indices ``[rows]``.
    """
    return task_score_of(task, confusion(labels, predictions, len(task.classes)))


def task_score_of(task: Task, table: np.ndarray) -> TaskScore:
    """Scores of one task from its confusion matrix, int64 ``[classes, classes]``, rows are labels."""
    hits = np.diag(table).astype(float)
    predicted, actual = table.sum(axis=0), table.sum(axis=1)
    precision = hits / np.maximum(predicted, 1)
    recall = hits / np.maximum(actual, 1)
    f1 = 2 * hits / np.maximum(predicted + actual, 1)
    per_class = {
        name: ClassScore(float(precision[c]), float(recall[c]), float(f1[c]), int(actual[c]))
        for c, name in enumerate(task.classes)
    }
    rows = int(table.sum())
    macro, accuracy = (float(f1.mean()), float(hits.sum() / rows)) if rows else (None, None)
    return TaskScore(rows, macro, accuracy, per_class, table)


def score(tasks: Sequence[Task], labels: np.ndarray, predictions: Sequence[np.ndarray]) -> Scores:
    """Scores of all tasks over a whole split: never an average over batches.

    :param labels: int64 ``[rows, tasks]``.
    :param predictions: class indices ``[rows]``, one array per task.
    """
    tables = [confusion(labels[:, t], predictions[t], len(task.classes)) for t, task in enumerate(tasks)]
    return scores_of(tasks, len(labels), tables)


def scores_of(tasks: Sequence[Task], rows: int, tables: Sequence[np.ndarray]) -> Scores:
    """Scores of all tasks from their confusion matrices.

    :param rows: rows of the split, with those that have no label.
    """
    scored = {task.name: task_score_of(task, table) for task, table in zip(tasks, tables, strict=True)}
    macros = [value.macro_f1 for value in scored.values() if value.macro_f1 is not None]
    return Scores(rows=rows, overall=float(np.mean(macros)) if macros else 0.0, tasks=scored)
