"""Do the splits overlap? A score on texts that were trained on is worth nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from polarity.data.duplicates import NearDuplicates, Similarity
from polarity.data.overlap import TextIndex
from polarity.data.rows import Splits
from polarity.errors import UserError
from polarity.privacy import texts_are_shown
from polarity.settings import PositiveInt
from polarity.wording import times

Reaction = Literal["stop", "drop", "allow"]

UNSETTABLE = "take them out of one of the two, or give this corpus a setting 'leakage' (docs/extending.md)"
"""What can be done about an overlap in a corpus of somebody's own."""

_EXAMPLES = 3
_EXCERPT = 60


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
        self.near_duplicates = NearDuplicates(threshold=threshold, shingle=shingle, min_length=min_length)

    def __repr__(self) -> str:
        return f"Leakage(exact={self.exact}, near={self.near}, {self.near_duplicates})"

    def check(self, splits: Splits, *, settable: bool = True) -> Splits:
        """The splits as far as they may be used, with a note on everything that was found.

        :param settable: whether ``data.leakage`` is a setting of what reads them.
        :raises UserError: if something was found that stops the run, naming counts, examples and settings.
        """
        search = _Search(splits, self.near_duplicates)
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
                ways = f"{setting}=drop leaves the former out, {setting}=allow goes on"
                problems += [f"{line}; {ways if settable else UNSETTABLE}" for line in lines]
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


class _Search:
    """All rows of all splits in one sequence, and which of them were not dropped."""

    def __init__(self, splits: Splits, near_duplicates: NearDuplicates) -> None:
        self.splits = splits.items()
        parts = [rows for _, rows in self.splits]
        self.index = TextIndex.over(parts, near_duplicates)
        self.kept = np.ones(len(self.index), dtype=bool)
        self.ids = [identifier for rows in parts for identifier in rows.ids]
        self.texts = [text for rows in parts for text in rows.text]

    def overlaps(self, *, near: bool) -> list[_Overlap]:
        """What each pair of splits shares: the same texts, or nearly the same ones that are not the same."""
        found = []
        for (first, (name, _)), (second, (other, _)) in combinations(enumerate(self.splits), 2):
            rows, others = (np.flatnonzero((self.index.split == number) & self.kept) for number in (first, second))
            shared = rows[self.index.counterparts(rows, others, near=near)]
            shared_others = others[self.index.counterparts(others, rows, near=near)]
            if len(shared):
                pairs = [(row, self._partner(row, shared_others, near=near)) for row in shared[:_EXAMPLES].tolist()]
                found.append(_Overlap(name, other, near, shared, shared_others, pairs))
        return found

    def _partner(self, row: int, others: np.ndarray, *, near: bool) -> int:
        same = self.index.text[others] == self.index.text[row]
        return int(others[(self.index.group[others] == self.index.group[row]) & ~same if near else same][0])

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
        if not texts_are_shown():
            return repr(self.ids[row])
        text = " ".join(self.texts[row].split())
        shown = text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}..."
        return f"{self.ids[row]!r} ({shown!r})"

    def emptied(self) -> list[str]:
        """A problem for each split that lost all its rows."""
        return [
            f"{name}: each of its {times(len(rows), 'row')} stands in a later split, too, so that nothing is left of it"
            for number, (name, rows) in enumerate(self.splits)
            if len(rows) and not self.kept[self.index.split == number].any()
        ]

    def remaining(self, splits: Splits, notes: Sequence[str]) -> Splits:
        """The splits without the rows that were dropped."""
        kept = {
            name: rows.select(np.flatnonzero(self.kept[self.index.split == number]))
            for number, (name, rows) in enumerate(self.splits)
        }
        return Splits(splits.tasks, kept["train"], kept["val"], kept.get("test"), [*splits.notes, *notes])
