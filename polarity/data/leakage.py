"""Do the splits overlap? A score on texts that were trained on is worth nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

import numpy as np

from polarity.data.duplicates import NearDuplicates, Similarity
from polarity.data.rows import Rows, Splits
from polarity.errors import UserError
from polarity.settings import PositiveInt
from polarity.wording import times

Reaction = Literal["stop", "drop", "allow"]

_EXAMPLES = 3
_SHOWN_EXAMPLES = re.compile(r", such as .*(?=; )", re.DOTALL)
_EXCERPT = 60


def without_examples(note: str) -> str:
    """A note of :class:`Leakage` without the texts that it shows, for private data."""
    return _SHOWN_EXAMPLES.sub("", note)


class Leakage:
    """Looks for texts that stand in two splits; of text pairs, both texts have to.

    What is found stops the run (``stop``), is removed from the earlier split, so that evaluation is never touched
    (``drop``: training rows that stand in validation or test, validation rows that stand in test), or is only noted
    (``allow``).

    :param exact: about the same text, apart from white space.
    :param near: about nearly the same text.
    :param threshold: of nearly the same texts, as ``shingle`` and ``min_length``; see
        :class:`polarity.data.duplicates.NearDuplicates`.
    """

    def __init__(
        self,
        *,
        exact: Reaction = "stop",
        near: Reaction = "stop",
        threshold: Similarity = 0.8,
        shingle: PositiveInt = 5,
        min_length: PositiveInt = 25,
    ) -> None:
        self.exact: Reaction = exact
        self.near: Reaction = near
        self.alike = NearDuplicates(threshold=threshold, shingle=shingle, min_length=min_length)

    def __repr__(self) -> str:
        return f"Leakage(exact={self.exact}, near={self.near}, {self.alike})"

    def check(self, splits: Splits) -> Splits:
        """The splits as far as they may be used, with a note on everything that was found.

        :raises UserError: if something was found that stops the run, naming counts, examples and settings.
        """
        search = _Search.over(splits, self.alike)
        same = search.overlaps(near=False)
        if self.exact == "drop":
            search.drop(same)
        similar = search.overlaps(near=True)
        if self.near == "drop":
            search.drop(similar)
        problems, notes = [], []
        for kind, reaction, overlaps in (("exact", self.exact, same), ("near", self.near, similar)):
            lines = [search.describe(overlap) for overlap in overlaps]
            setting = f"data.leakage.{kind}"
            if reaction == "stop":
                problems += [f"{line}; {setting}=drop leaves the former out, {setting}=allow goes on" for line in lines]
            else:
                done = {"drop": "the former were left out", "allow": "scores of the latter profit from it"}[reaction]
                notes += [f"{line}; {done} ({setting}={reaction})" for line in lines]
        problems += [] if problems else search.emptied()
        if problems:
            raise UserError(problems)
        return search.remaining(splits, notes) if notes else splits


@dataclass(frozen=True)
class _Overlap:
    """Rows of two splits that share texts.

    :param pairs: some rows of the first split, each with one of the second.
    """

    first: str
    second: str
    near: bool
    rows: np.ndarray
    others: np.ndarray
    pairs: list[tuple[int, int]]


@dataclass
class _Search:
    """All rows of all splits in one sequence.

    :param split: number of the split of each row.
    :param text: number of the exact text of each row.
    :param group: number of the group of nearly the same texts.
    :param kept: rows that were not dropped.
    """

    names: list[str]
    parts: list[Rows]
    split: np.ndarray
    text: np.ndarray
    group: np.ndarray
    kept: np.ndarray
    ids: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    @classmethod
    def over(cls, splits: Splits, alike: NearDuplicates) -> "_Search":
        names, parts = [list(column) for column in zip(*splits.items(), strict=True)]
        shown = [text for rows in parts for text in rows.text]
        contexts = [context for rows in parts for context in rows.context or [""] * len(rows)]
        numbers: dict[tuple[str, ...], int] = {}
        for_row = [
            numbers.setdefault((" ".join(context.split()), " ".join(text.split())), len(numbers))
            for context, text in zip(contexts, shown, strict=True)
        ]
        return cls(
            names=names,
            parts=parts,
            split=np.repeat(np.arange(len(parts)), [len(rows) for rows in parts]),
            text=np.array(for_row, dtype=np.int64),
            group=alike.groups(shown, contexts if any(contexts) else None),
            kept=np.ones(len(shown), dtype=bool),
            ids=[identifier for rows in parts for identifier in rows.ids],
            shown=shown,
        )

    def overlaps(self, *, near: bool) -> list[_Overlap]:
        """What each pair of splits shares: the same texts, or nearly the same ones that are not the same."""
        found = []
        for first, second in combinations(range(len(self.parts)), 2):
            rows, others = (np.flatnonzero((self.split == number) & self.kept) for number in (first, second))
            shared, shared_others = self._shared(rows, others, near=near), self._shared(others, rows, near=near)
            if len(shared):
                pairs = [(row, self._partner(row, shared_others, near=near)) for row in shared[:_EXAMPLES].tolist()]
                found.append(_Overlap(self.names[first], self.names[second], near, shared, shared_others, pairs))
        return found

    def _shared(self, rows: np.ndarray, others: np.ndarray, *, near: bool) -> np.ndarray:
        """The ``rows`` that have a counterpart among ``others``."""
        shared = np.isin(self.text[rows], self.text[others])
        if near:  # the group has a text among the others that is not the row's own
            _, first = np.unique(self.text[others], return_index=True)
            texts_of_group = np.bincount(self.group[others[first]], minlength=self.group.max(initial=0) + 1)
            shared = texts_of_group[self.group[rows]] > shared
        return np.compress(shared, rows)

    def _partner(self, row: int, others: np.ndarray, *, near: bool) -> int:
        if not near:
            return int(others[self.text[others] == self.text[row]][0])
        return int(others[(self.group[others] == self.group[row]) & (self.text[others] != self.text[row])][0])

    def drop(self, overlaps: Sequence[_Overlap]) -> None:
        """Leave the rows of the earlier splits out."""
        for overlap in overlaps:
            self.kept[overlap.rows] = False

    def describe(self, overlap: _Overlap) -> str:
        """How many rows the splits share, with examples."""
        pairs = []
        for row, other in overlap.pairs:
            if overlap.near:
                pairs.append(f"{self._named(row)} and {self._named(other)}")
            else:
                pairs.append(f"{self.ids[row]!r} and {self._named(other)}")
        rows = f"{times(len(overlap.rows), 'row')} of {overlap.first} {'has' if len(overlap.rows) == 1 else 'have'}"
        return (
            f"{overlap.first} and {overlap.second}: {rows} "
            f"{'nearly ' if overlap.near else ''}the same text as {len(overlap.others):,} of {overlap.second}, "
            f"such as {', '.join(pairs)}"
        )

    def _named(self, row: int) -> str:
        text = " ".join(self.shown[row].split())
        excerpt = text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}..."
        return f"{self.ids[row]!r} ({excerpt!r})"

    def emptied(self) -> list[str]:
        """A problem for each split that lost all its rows."""
        return [
            f"{name}: all {len(rows):,} rows stand in a later split, too, so that nothing is left of it"
            for number, (name, rows) in enumerate(zip(self.names, self.parts, strict=True))
            if len(rows) and not self.kept[self.split == number].any()
        ]

    def remaining(self, splits: Splits, notes: Sequence[str]) -> Splits:
        """The splits without the rows that were dropped."""
        kept = {
            name: rows.select(np.flatnonzero(self.kept[self.split == number]))
            for number, (name, rows) in enumerate(zip(self.names, self.parts, strict=True))
        }
        return Splits(splits.tasks, kept["train"], kept["val"], kept.get("test"), [*splits.notes, *notes])
