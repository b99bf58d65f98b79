"""A task: a name, a column of the data and an ordered set of classes. Nothing else knows what is being classified."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from polarity.errors import nearest

T = TypeVar("T")

IGNORE_INDEX = -100
"""Label index of a row without a label for a task; the same value as in ``torch.nn.functional.cross_entropy``."""


@dataclass(frozen=True)
class Task:
    """One classification task.

    :param name: how settings, metrics and files call it.
    :param classes: class names, in the order of their indices.
    :param column: the column that holds its labels.
    """

    name: str
    classes: tuple[str, ...]
    column: str


def by_task(value: T | Mapping[str, T], tasks: Sequence[Task], default: T) -> list[T]:
    """One value per task, in the order of ``tasks``; a task that a mapping does not name gets ``default``."""
    if isinstance(value, Mapping):
        return [value.get(task.name, default) for task in tasks]
    return [value] * len(tasks)


def task_problems(key: str, names: Iterable[str], tasks: Sequence[Task]) -> list[str]:
    """A problem for each name that is no task, as ``key.NAME: ...``."""
    valid = [task.name for task in tasks]
    return [f"{key}.{name}: no such task{nearest(name, valid, what='tasks')}" for name in names if name not in valid]


def per_task_problems(key: str, value: object, tasks: Sequence[Task]) -> list[str]:
    """Problems of a setting that is one number or ``{task: number}``: unknown tasks, and tasks left out."""
    if not isinstance(value, Mapping):
        return []
    missing = [f"{key}: no value for task {task.name!r}; name every task" for task in tasks if task.name not in value]
    return task_problems(key, value, tasks) + missing


def class_problems(key: str, table: Mapping[str, Mapping[str, object]], tasks: Sequence[Task]) -> list[str]:
    """A problem for each task or class name in ``{task: {class: value}}`` that does not exist."""
    problems = task_problems(key, table, tasks)
    for task in tasks:
        for name in table.get(task.name, {}):
            if name not in task.classes:
                hint = nearest(name, task.classes, what="classes")
                problems.append(f"{key}.{task.name}.{name}: task {task.name!r} has no such class{hint}")
    return problems
