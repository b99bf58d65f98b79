"""How many rows of each class."""

from polarity.confusion import class_counts
from polarity.inspection.pool import Pool
from polarity.inspection.result import TaskCounts
from polarity.tasks import IGNORE_INDEX


def task_counts(pool: Pool) -> tuple[TaskCounts, ...]:
    """Rows of each class of each task in each split, and rows without a label."""
    counted = []
    for number, task in enumerate(pool.tasks):
        rows, missing = {}, {}
        for name, inside in pool.by_split():
            labels = pool.rows.labels[inside, number]
            of_class = class_counts(labels, len(task.classes)).tolist()
            rows[name] = dict(zip(task.classes, of_class, strict=True))
            missing[name] = len(labels) - sum(of_class)
        counted.append(TaskCounts(task.name, task.classes, rows, missing))
    return tuple(counted)


def unlabelled(pool: Pool) -> dict[str, int]:
    """Rows of each split without any label."""
    return {name: int((pool.rows.labels[inside] == IGNORE_INDEX).all(axis=1).sum()) for name, inside in pool.by_split()}
