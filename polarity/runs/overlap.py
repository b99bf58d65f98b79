"""Does new data repeat what the run was trained or tuned on? A score on such rows is worth nothing."""

from dataclasses import dataclass, replace

import numpy as np

from polarity.data.duplicates import NearDuplicates
from polarity.data.overlap import TextIndex
from polarity.data.rows import Rows, Splits
from polarity.wording import times

EXAMPLES = 3


@dataclass(frozen=True)
class RunOverlap:
    """Rows of new data that stand in a split of the run.

    :param exact: number of new rows whose text (and context) stands there, apart from white space.
    :param near: number of further new rows that are nearly the same as one there.
    :param rows: which new rows those are, bool ``[rows]``.
    :param examples: ids of some of them.
    """

    split: str
    exact: int
    near: int
    rows: np.ndarray
    examples: tuple[str, ...]

    def __str__(self) -> str:
        purpose = "trained on" if self.split == "train" else "chosen on"
        shared = self.exact + self.near
        return (
            f"{shared:,} of {times(len(self.rows), 'row')} ({shared / len(self.rows):.1%}) stand in the {self.split} "
            f"split that the run was {purpose}: {self.exact:,} exactly, {self.near:,} nearly, such as "
            f"{', '.join(self.examples)}"
        )


def ledger_mark(rows: Rows, splits: Splits | None) -> str:
    """The fingerprint under which looks at new rows count; rows of a split of the run are that split in any order."""
    places = {name: place for place, name in enumerate(rows.ids)}
    for _, known in splits.items() if splits is not None else ():
        if len(rows) == len(known) and places.keys() == set(known.ids):
            mark = known.fingerprint()
            if rows.select([places[name] for name in known.ids]).fingerprint() == mark:
                return mark
    return rows.fingerprint()


def seen_in_test(rows: Rows, splits: Splits) -> list[str]:
    """What new rows share with the run's test split, whose looks are counted."""
    known = set() if splits.test is None else set(zip(splits.test.contexts, splits.test.text, strict=True))
    shared = sum(pair in known for pair in zip(rows.contexts, rows.text, strict=True))
    if not shared:
        return []
    return [f"{shared:,} of {times(len(rows), 'row')} stand in the run's test split; to look at them is to look at it"]


def overlaps(rows: Rows, splits: Splits, near_duplicates: NearDuplicates) -> list[RunOverlap]:
    """What new rows share with the splits that the run was trained and chosen on; none where nothing is shared.

    Where only one side has contexts, its texts alone are compared.

    :param near_duplicates: what counts as nearly the same.
    """
    found = []
    for name, others in (("train", splits.train), ("val", splits.val)):
        both = [rows, others]
        if len({one.context is None for one in both}) > 1:
            both = [replace(one, context=None) for one in both]
        index = TextIndex.over(both, near_duplicates)
        new, seen = np.flatnonzero(index.split == 0), np.flatnonzero(index.split == 1)
        exact, near = (index.counterparts(new, seen, near=kind) for kind in (False, True))
        if (either := exact | near).any():
            examples = tuple(repr(rows.ids[row]) for row in np.flatnonzero(either)[:EXAMPLES].tolist())
            found.append(RunOverlap(name, int(exact.sum()), int((near & ~exact).sum()), either, examples))
    return found
