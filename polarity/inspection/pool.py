"""The rows of all splits in one sequence, which most checks go through."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from polarity.data.duplicates import NearDuplicates
from polarity.data.rows import Rows, Splits
from polarity.inspection.result import Row
from polarity.tasks import Task


@dataclass(frozen=True)
class Pool:
    """All rows.

    :param names: the splits, in order.
    :param split: number of the split of each row, int64 ``[rows]``.
    :param text: number of the exact text of each row, apart from white space; of pairs, of both texts.
    :param group: number of the group of nearly the same texts.
    :param show_texts: whether texts may be shown.
    """

    tasks: tuple[Task, ...]
    names: tuple[str, ...]
    rows: Rows
    split: np.ndarray
    text: np.ndarray
    group: np.ndarray
    show_texts: bool

    @classmethod
    def of(cls, splits: Splits, alike: NearDuplicates, *, show_texts: bool) -> "Pool":
        """Put the splits one after the other, and look which texts are alike."""
        parts = [rows for _, rows in splits.items()]
        rows = _joined(parts)
        contexts = rows.context or [""] * len(rows)
        numbers: dict[tuple[str, str], int] = {}
        exact = [
            numbers.setdefault((" ".join(context.split()), " ".join(text.split())), len(numbers))
            for context, text in zip(contexts, rows.text, strict=True)
        ]
        return cls(
            splits.tasks,
            tuple(name for name, _ in splits.items()),
            rows,
            np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
            np.array(exact, dtype=np.int64),
            alike.groups(rows.text, contexts if any(contexts) else None),
            show_texts,
        )

    def __len__(self) -> int:
        return len(self.rows)

    def by_split(self) -> Iterator[tuple[str, np.ndarray]]:
        """The name of each split and the numbers of its rows."""
        for number, name in enumerate(self.names):
            yield name, np.flatnonzero(self.split == number)

    def row(self, number: int) -> Row:
        """A row as reports show it."""
        context = self.rows.context[number] if self.rows.context is not None else ""
        text = self.rows.text[number]
        shown = (text, context) if self.show_texts else ("", "")
        return Row(self.names[self.split[number]], self.rows.ids[number], *shown)


def _joined(parts: list[Rows]) -> Rows:
    columns = dict.fromkeys(name for rows in parts for name in rows.metadata)
    contexts = [context for rows in parts for context in rows.context or [""] * len(rows)]
    return Rows(
        ids=[identifier for rows in parts for identifier in rows.ids],
        text=[text for rows in parts for text in rows.text],
        context=contexts if any(rows.context is not None for rows in parts) else None,
        labels=np.concatenate([rows.labels for rows in parts]),
        metadata={
            name: [cell for rows in parts for cell in rows.metadata.get(name, [""] * len(rows))] for name in columns
        },
    )
