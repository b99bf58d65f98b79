"""What every score is computed from, for many systems on the same rows: hits and predictions of each class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from polarity.statistics.groups import group_freedom
from polarity.tasks import IGNORE_INDEX, Task
from polarity.unique_rows import unique_rows

JOINED_FROM, FEWER = 20_000, 4
"""So many rows are joined, if so many times fewer are left: drawing rows one by one is what takes time then."""


@dataclass(frozen=True)
class Statistics:
    """Scores of the systems, in each of ``n`` weightings of the rows; float64.

    :param overall: ``[n, systems]``, mean macro-F1 over the tasks that have labelled rows.
    :param macro_f1: ``[n, systems, tasks]``.
    :param accuracy: ``[n, systems, tasks]``.
    """

    overall: np.ndarray
    macro_f1: np.ndarray
    accuracy: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The weightings of several parts, one after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))


class Counts:
    """Counts of rows, by unit of resampling: a single row, or a group of rows that belong together.

    With weights w ``[n, units]`` the counts of n weightings are one product ``w @ matrix``, for all systems at once.

    :param labels: int64 ``[rows, tasks]``, ``IGNORE_INDEX`` where a row has no label.
    :param systems: for each system one int64 array ``[rows]`` per task: what it decided.
    :param groups: for each row the group that it belongs to (a post, an author); None where rows are independent.
    :param joined: of very many rows, those that count alike are one line of ``matrix``, ``times`` says how often each
        line occurs, and only :func:`polarity.statistics.resample.resample` may draw them. ``units`` are all rows.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        labels: np.ndarray,
        systems: Sequence[Sequence[np.ndarray]],
        groups: Sequence[object] | np.ndarray | None = None,
        *,
        joined: bool = False,
    ) -> None:
        self.tasks = tuple(tasks)
        sizes = [len(task.classes) for task in tasks]
        ends = np.cumsum(sizes)
        self.slices = [slice(int(end - size), int(end)) for end, size in zip(ends, sizes, strict=True)]
        self.classes = int(ends[-1])
        self.labelled = [bool((labels[:, t] != IGNORE_INDEX).any()) for t in range(len(tasks))]
        self.units = len(labels)
        self.times: np.ndarray | None = None
        if joined and groups is None and len(labels) >= JOINED_FROM:
            first, kind = unique_rows(
                np.concatenate([labels, *(np.stack(list(one), axis=1) for one in systems)], axis=1)
            )
            if len(first) * FEWER <= len(labels):
                self.times = np.bincount(kind)
                labels, systems = labels[first], [[decided[first] for decided in one] for one in systems]
        actual = self._one_hot(labels, labels)
        rows = [actual]
        for decided in systems:
            predicted = self._one_hot(np.stack(list(decided), axis=1), labels)
            rows += [predicted * actual, predicted]
        # float32 holds counts up to 2 ** 24 exactly, and its products are the fastest.
        matrix = np.concatenate(rows, axis=1)
        self.matrix = matrix if groups is None else _sums(matrix, groups)
        self.grouped = groups is not None
        self.units = len(self.matrix) if self.times is None else self.units

    @cached_property
    def totals(self) -> np.ndarray:
        """Sums over all rows, float64 ``[columns of matrix]``."""
        if self.times is None:
            return np.asarray(self.matrix.sum(axis=0, dtype=np.float64))
        return np.asarray(self.times.astype(np.float64) @ self.matrix)

    def effective_units(self, task: int | None = None) -> float:
        """Labelled rows, or the groups of equal size that the groups are worth.

        :param task: that the rows have to have a label of; None: of all tasks the one that has the fewest.
        """
        freedom = self.freedom(task)
        if freedom is not None:
            return freedom + 1
        return min((float(self.totals[self.slices[t]].sum()) for t in self.labelled_tasks(task)), default=0.0)

    def freedom(self, task: int | None = None) -> float | None:
        """Degrees of freedom that the groups leave, 0 without any label; None where rows are independent.

        :param task: of this task's labelled rows; None for all tasks.
        """
        if not self.grouped:
            return None
        return min(
            (group_freedom(self.matrix[:, self.slices[t]].sum(axis=1)) for t in self.labelled_tasks(task)), default=0.0
        )

    def labelled_tasks(self, task: int | None = None) -> list[int]:
        """Numbers of the tasks that have labelled rows; of one task alone, whether it has."""
        return [t for t in (range(len(self.slices)) if task is None else (task,)) if self.labelled[t]]

    def statistics(self, counts: np.ndarray) -> Statistics:
        """Scores from counts ``[n, columns of matrix]``."""
        return self.scores(*self.parts(counts))

    def parts(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Counts ``[n, columns of matrix]`` as rows of each class ``[n, classes]``, and ``[n, systems, 2, classes]``.

        The latter are hits and predictions of each class.
        """
        counts = counts.astype(np.float64)
        return counts[:, : self.classes], counts[:, self.classes :].reshape(len(counts), -1, 2, self.classes)

    def scores(self, actual: np.ndarray, by_system: np.ndarray) -> Statistics:
        """Scores from what :meth:`parts` gives, for any number of systems."""
        actual = actual[:, None]
        hits, predicted = by_system[:, :, 0], by_system[:, :, 1]
        f1 = 2 * hits / np.maximum(predicted + actual, 1)
        macro = np.stack([f1[..., part].mean(axis=2) for part in self.slices], axis=2)
        right = np.stack([hits[..., part].sum(axis=2) for part in self.slices], axis=2)
        rows = np.stack([actual[..., part].sum(axis=2) for part in self.slices], axis=2)
        scored = macro[..., np.array(self.labelled)]
        overall = scored.mean(axis=2) if any(self.labelled) else np.zeros(macro.shape[:2])
        return Statistics(overall, macro, right / np.maximum(rows, 1))

    def observed(self) -> Statistics:
        """Scores of the rows as they are, ``n`` = 1."""
        return self.statistics(self.totals[None])

    def _one_hot(self, indices: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """float32 ``[rows, classes of all tasks]``, all 0 for a task that a row has no label of."""
        hot = np.zeros((len(labels), self.classes), dtype=np.float32)
        for t, part in enumerate(self.slices):
            known = np.flatnonzero(labels[:, t] != IGNORE_INDEX)
            hot[known, part.start + indices[known, t]] = 1
        return hot


def _sums(matrix: np.ndarray, groups: Sequence[object] | np.ndarray) -> np.ndarray:
    numbers = np.unique(np.asarray(groups), return_inverse=True)[1]
    sums = np.zeros((int(numbers.max()) + 1, matrix.shape[1]), dtype=np.float32)
    np.add.at(sums, numbers, matrix)
    return sums


CELLS = 1 << 22
"""Cells of a block of weights: 16 MiB, so that memory does not grow with the number of resamples."""


def blocks(total: int, units: int) -> Iterator[int]:
    """Sizes of the parts in which ``total`` weightings of ``units`` units are drawn."""
    size = max(1, CELLS // units)
    for start in range(0, total, size):
        yield min(size, total - start)
