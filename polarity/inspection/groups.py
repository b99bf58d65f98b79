"""Values that several rows share, such as the post above a comment, and whether they stand in several splits."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from polarity.errors import UserError, nearest
from polarity.inspection.pool import Pool
from polarity.inspection.result import GroupColumn

FEWEST_SHARED = 20
"""A column with fewer values that repeat is a property of the rows (a language, a source) and not a group of them."""

SHOWN = 5


def check_columns(pool: Pool, columns: Sequence[str], setting: str) -> None:
    """Refuse columns that the data do not have.

    :raises UserError: with the nearest name.
    """
    problems = [
        f"{setting}: the data have no metadata column {name!r}{nearest(name, pool.rows.metadata, what='columns')}"
        for name in columns
        if name not in pool.rows.metadata
    ]
    if problems:
        raise UserError(problems)


def group_columns(pool: Pool, asked: Sequence[str]) -> tuple[GroupColumn, ...]:
    """The columns asked for, and all others that look like groups, in this order."""
    others = [
        name for name in pool.rows.metadata if name not in asked and looks_like_groups(name, pool.rows.metadata[name])
    ]
    return tuple(_column(pool, name, name in asked) for name in [*asked, *others])


def looks_like_groups(name: str, cells: Sequence[str]) -> bool:
    """Whether many values stand for several rows each; numbers only if the column's name says that they are ids."""
    counts = Counter(cell for cell in cells if cell)
    if sum(count > 1 for count in counts.values()) < FEWEST_SHARED:
        return False
    named = bool({"id", "ids", "group", "groups"} & set(re.split(r"[^a-z]+", name.casefold())))
    return named or not all(_is_number(cell) for cell in counts)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _column(pool: Pool, name: str, asked: bool) -> GroupColumn:  # noqa: FBT001 - a plain fact, passed on
    cells = np.array(pool.rows.metadata[name], dtype=object)
    where: dict[str, Counter[str]] = {}
    for split, inside in pool.by_split():
        for cell in cells[inside]:
            if cell:
                where.setdefault(cell, Counter())[split] += 1
    crossing = {value: counts for value, counts in where.items() if len(counts) > 1}
    rows, shares = {}, {}
    for split, inside in pool.by_split():
        if split != "train":
            rows[split] = sum(counts[split] for counts in crossing.values() if counts["train"])
            shares[split] = rows[split] / max(1, len(inside))
    largest = sorted(crossing.items(), key=lambda item: -item[1].total())[: SHOWN if pool.show_texts else 0]
    examples = tuple((value, {split: counts[split] for split in pool.names}) for value, counts in largest)
    return GroupColumn(name, asked, len(where), len(crossing), rows, shares, examples)
