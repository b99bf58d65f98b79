"""The validated table: what reading hands to splitting, tokenising, sampling and scoring."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from polarity.confusion import class_counts
from polarity.tasks import Task

_TOGETHER = 1_000
"""Cells that are hashed in one go."""


@dataclass
class Rows:
    """Rows of one split (or of a whole file before it is split).

    :param ids: one unique id a row.
    :param text: the text to classify; the second text of a pair.
    :param context: the first text of a pair, or None where there are single texts.
    :param labels: int64 ``[rows, tasks]``, class indices, ``-100`` where a row has no label.
    :param metadata: further columns by name, as text (empty where missing), for grouping and slicing.
    :param group: the metadata column whose values hold rows that belong together (a post, an author); None: each row is
        on its own.
    """

    ids: list[str]
    text: list[str]
    context: list[str] | None
    labels: np.ndarray
    metadata: dict[str, list[str]] = field(default_factory=dict)
    group: str | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def unlabelled(
        cls,
        text: Sequence[str],
        context: Sequence[str] | None = None,
        metadata: Mapping[str, Sequence[str]] | None = None,
    ) -> Self:
        """Rows to classify, named by their numbers."""
        columns = {name: list(cells) for name, cells in (metadata or {}).items()}
        names, none = [str(row) for row in range(len(text))], np.zeros((len(text), 0), dtype=np.int64)
        return cls(names, list(text), None if context is None else list(context), none, columns)

    @property
    def contexts(self) -> list[str]:
        """The context of each row, empty where there is none."""
        return self.context or [""] * len(self)

    def select(self, indices: Sequence[int] | np.ndarray) -> Self:
        """The rows at ``indices``, in that order."""
        picked = np.asarray(indices, dtype=np.int64).tolist()
        return type(self)(
            ids=[self.ids[index] for index in picked],
            text=[self.text[index] for index in picked],
            context=None if self.context is None else [self.context[index] for index in picked],
            labels=self.labels[picked],
            metadata={name: [column[index] for index in picked] for name, column in self.metadata.items()},
            group=self.group,
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The rows of several splits, one after the other; a column that a split lacks is empty there."""
        columns = dict.fromkeys(name for rows in parts for name in rows.metadata)
        contexts = [context for rows in parts for context in rows.contexts]
        return cls(
            ids=[identifier for rows in parts for identifier in rows.ids],
            text=[text for rows in parts for text in rows.text],
            context=contexts if any(rows.context is not None for rows in parts) else None,
            labels=np.concatenate([rows.labels for rows in parts]),
            metadata={
                name: [cell for rows in parts for cell in rows.metadata.get(name, [""] * len(rows))] for name in columns
            },
            group=parts[0].group,
        )

    def fingerprint(self, *, contexts: bool = False) -> str:
        """Hash of the ids, texts and labels, in their order; of a class counts its number, not its name.

        :param contexts: whether they take part as well: rows are the same with and without them, what a model reads is
            not.
        """
        digest = _digest([self.ids, self.context or [] if contexts else [], self.text])
        digest.update(self.labels.astype("<i8").tobytes())
        return digest.hexdigest()

    def fingerprint_of(self, columns: Sequence[str]) -> str:
        """Hash of metadata columns, a missing one being empty."""
        return _digest([[name, *self.metadata.get(name, [])] for name in columns]).hexdigest()

    def class_counts(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        """Rows of each class, one int64 array ``[classes]`` per task."""
        return [class_counts(self.labels[:, number], len(task.classes)) for number, task in enumerate(tasks)]


@dataclass
class Splits:
    """What a corpus loads: its tasks and the rows of each split.

    :param test: None where the data have no test split.
    :param notes: what the user should know (rows dropped, classes absent from a split), one sentence each.
    """

    tasks: tuple[Task, ...]
    train: Rows
    val: Rows
    test: Rows | None
    notes: list[str] = field(default_factory=list)

    def all_trained(self) -> "Splits":
        """The same with the validation rows among the training rows, after these, as well."""
        return replace(self, train=Rows.joined([self.train, self.val]))

    def items(self) -> list[tuple[str, Rows]]:
        """``(name, rows)`` of the splits that exist."""
        named = [("train", self.train), ("val", self.val)]
        return named if self.test is None else [*named, ("test", self.test)]


def _digest(columns: Sequence[Sequence[str]]) -> "hashlib.blake2b":
    digest = hashlib.blake2b(digest_size=16)
    for column in columns:
        for start in range(0, len(column), _TOGETHER):
            cells = "\0".join(column[start : start + _TOGETHER])
            digest.update(cells.encode("utf-8", "surrogatepass") + b"\0")
        digest.update(b"\1")
    return digest


def examples(ids: Sequence[str]) -> str:
    """The first ids, as messages end with them."""
    return "ids " + ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")


def evenly(count: int, most: int) -> np.ndarray:
    """Numbers of at most ``most`` of so many rows, from all over them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))
