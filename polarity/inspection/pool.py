"""The rows of all splits in one sequence, which most checks go through."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from polarity.data.duplicates import NearDuplicates
from polarity.data.overlap import TextIndex
from polarity.data.rows import Rows, Splits
from polarity.inspection.result import Row
from polarity.tasks import Task


@dataclass(frozen=True)
class Pool(TextIndex):
    """All rows.

    :param names: the splits, in order.
    :param show_texts: whether texts may be shown, and what else stands in cells that may hold some.
    """

    tasks: tuple[Task, ...]
    names: tuple[str, ...]
    rows: Rows
    show_texts: bool

    @classmethod
    def of(cls, splits: Splits, near_duplicates: NearDuplicates, *, show_texts: bool) -> "Pool":
        """Put the splits one after the other, and look which texts are alike."""
        names, parts = zip(*splits.items(), strict=True)
        index = TextIndex.over(parts, near_duplicates)
        return cls(**vars(index), tasks=splits.tasks, names=names, rows=Rows.joined(parts), show_texts=show_texts)

    def by_split(self) -> Iterator[tuple[str, np.ndarray]]:
        """The name of each split and the numbers of its rows."""
        for number, name in enumerate(self.names):
            yield name, np.flatnonzero(self.split == number)

    def joined(self, columns: Sequence[str]) -> np.ndarray:
        """Number of the rows that belong together, int64 ``[rows]``: nearly the same text, or one value of a column.

        Rows without a value are on their own; what is linked over several steps is one.
        """
        rows, places = [np.arange(len(self))], [self.group + len(self)]
        size = len(self) + int(self.group.max(initial=-1)) + 1
        for column in columns:
            cells = np.array(self.rows.metadata[column], dtype=object)  # as str, each would take what the longest does
            known = np.flatnonzero(cells != "")
            values, of_row = np.unique(cells[known], return_inverse=True)
            rows, places, size = [*rows, known], [*places, of_row + size], size + len(values)
        ends = np.concatenate(rows), np.concatenate(places)
        links = coo_array((np.ones(len(ends[0]), dtype=bool), ends), shape=(size, size))
        return np.asarray(connected_components(links, directed=False)[1][: len(self)], dtype=np.int64)

    def row(self, number: int) -> Row:
        """A row as reports show it."""
        context = "" if self.rows.context is None else self.rows.context[number]
        shown = (self.rows.text[number], context) if self.show_texts else ("", "")
        return Row(self.names[self.split[number]], self.rows.ids[number], *shown)
