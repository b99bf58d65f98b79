"""What a sampler shows the model: how often each class and each joint cell comes up in an epoch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from polarity.tasks import IGNORE_INDEX, Task
from polarity.unique_rows import unique_rows

MOST_CELLS = 10_000
"""Sixteen tasks have nearly as many joint cells as rows, and a table with a line for each row tells nothing."""

Cell = tuple[str | None, ...]
"""One class name per task, None where the label is missing."""


def joint_cells(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The joint cells of a label table: rows with the same labels in every task; a missing label is a value of its own.

    :param labels: int64 ``[rows, tasks]``.
    :returns: the labels of each cell that occurs ``[cells, tasks]``, and the number of each row's cell ``[rows]``.
    """
    first, cell_of_row = unique_rows(labels)
    return labels[first], cell_of_row


@dataclass(frozen=True)
class Exposure:
    """Rows (or expected rows) of each class and of each joint cell in one epoch.

    :param classes: one float64 array ``[classes]`` per task.
    :param cells: count of each joint cell that occurs in the split; of more than ``MOST_CELLS`` those with most rows.
    """

    tasks: tuple[Task, ...]
    classes: tuple[np.ndarray, ...]
    cells: dict[Cell, float]


@dataclass(frozen=True)
class ExposureRow:
    """One line of the exposure table.

    :param kind: a class of one task, or a joint cell of all tasks.
    :param name: ``TASK=CLASS``, or for a cell all of them, ``TASK unlabelled`` where the label is missing.
    :param natural: rows of the split.
    :param expected: rows an epoch shows on average; of one that ended early, as many rows as it showed.
    :param realised: rows the epoch showed.
    """

    kind: Literal["class", "cell"]
    name: str
    natural: float
    expected: float
    realised: float

    @property
    def repeats(self) -> float:
        """How often an epoch shows each of these rows on average."""
        return self.expected / self.natural if self.natural else 0.0


def natural_exposure(labels: np.ndarray, tasks: Sequence[Task]) -> Exposure:
    """Each labelled row once. ``labels``: int64 ``[rows, tasks]``."""
    return _exposure((labels != IGNORE_INDEX).any(axis=1).astype(np.float64), labels, tasks)


def expected_exposure(weights: np.ndarray, labels: np.ndarray, tasks: Sequence[Task], draws: int) -> Exposure:
    """Average counts of ``draws`` draws in proportion to ``weights`` (``[rows]``)."""
    return _exposure(weights * (draws / weights.sum()), labels, tasks)


def realised_exposure(draw: np.ndarray, labels: np.ndarray, tasks: Sequence[Task]) -> Exposure:
    """Counts of one epoch's draw (row numbers, repeats counted)."""
    return _exposure(np.bincount(draw, minlength=len(labels)).astype(np.float64), labels, tasks)


def exposure_table(natural: Exposure, expected: Exposure, realised: Exposure) -> list[ExposureRow]:
    """One line per class of each task, then one per joint cell, in the order of the classes."""
    table: list[ExposureRow] = []
    for number, task in enumerate(natural.tasks):
        for index, name in enumerate(task.classes):
            shown = (float(exposure.classes[number][index]) for exposure in (natural, expected, realised))
            table.append(ExposureRow("class", f"{task.name}={name}", *shown))
    for cell in natural.cells:
        named = ", ".join(
            f"{task.name} unlabelled" if name is None else f"{task.name}={name}"
            for task, name in zip(natural.tasks, cell, strict=True)
        )
        shown = (exposure.cells[cell] for exposure in (natural, expected, realised))
        table.append(ExposureRow("cell", named, *shown))
    return table


def _exposure(times: np.ndarray, labels: np.ndarray, tasks: Sequence[Task]) -> Exposure:
    classes = []
    for number, task in enumerate(tasks):
        labelled = labels[:, number] != IGNORE_INDEX
        of_task = labels[labelled, number]
        classes.append(np.bincount(of_task, weights=times[labelled], minlength=len(task.classes)))
    cells, cell_of_row = joint_cells(labels)
    counts = np.bincount(cell_of_row, weights=times, minlength=len(cells))
    most = np.argsort(-np.bincount(cell_of_row), kind="stable")[:MOST_CELLS].tolist()
    order = sorted(most, key=lambda cell: _missing_last(cells[cell]))
    named = {_cell_name(cells[cell], tasks): float(counts[cell]) for cell in order}
    named.pop((None,) * len(tasks), None)  # rows without any label are never shown
    return Exposure(tasks=tuple(tasks), classes=tuple(classes), cells=named)


def _missing_last(cell: np.ndarray) -> list[tuple[bool, int]]:
    return [(bool(label == IGNORE_INDEX), int(label)) for label in cell]


def _cell_name(cell: np.ndarray, tasks: Sequence[Task]) -> Cell:
    return tuple(
        None if label == IGNORE_INDEX else task.classes[int(label)] for task, label in zip(tasks, cell, strict=True)
    )
