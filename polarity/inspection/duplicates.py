"""Texts that occur more than once, within a split and across splits."""

from itertools import combinations_with_replacement
from typing import get_args

import numpy as np

from polarity.inspection.pool import Pool
from polarity.inspection.result import DuplicateGroup, Duplicates, Kind, Overlap

SHOWN = 6
"""Rows shown of a group."""


def duplicates(pool: Pool, most: int | None) -> Duplicates:
    """All overlaps and groups.

    :param most: groups kept as examples; None for all.
    """
    overlaps = []
    for first, second in combinations_with_replacement(range(len(pool.names)), 2):
        both = [_overlap(pool, kind, first, second) for kind in get_args(Kind)]
        overlaps += [overlap for overlap in both if overlap.rows]
    groups: dict[Kind, list[np.ndarray]] = {"exact": members(pool.text), "near": _near_groups(pool)}
    linked = members(pool.group)
    ranked = sorted(
        ((kind, rows) for kind, of_kind in groups.items() for rows in of_kind),
        key=lambda group: (-len(np.unique(pool.split[group[1]])), -len(group[1])),
    )
    return Duplicates(
        overlaps=tuple(overlaps),
        groups={"exact": len(groups["exact"]), "near": len(groups["near"])},
        linked=len(linked),
        rows=sum(map(len, linked)),
        examples=tuple(_example(pool, kind, rows) for kind, rows in ranked[:most]),
    )


def members(numbers: np.ndarray) -> list[np.ndarray]:
    """The rows of each group that has more than one, in the order of their first rows."""
    if not len(numbers):
        return []
    order = np.argsort(numbers, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
    return sorted((part for part in parts if len(part) > 1), key=lambda part: int(part[0]))


def _near_groups(pool: Pool) -> list[np.ndarray]:
    return [rows for rows in members(pool.group) if len(np.unique(pool.text[rows])) > 1]


def _overlap(pool: Pool, kind: Kind, first: int, second: int) -> Overlap:
    rows, others = np.flatnonzero(pool.split == first), np.flatnonzero(pool.split == second)
    near = kind == "near"
    here = int(pool.counterparts(rows, others, near=near).sum())
    there = here if first == second else int(pool.counterparts(others, rows, near=near).sum())
    return Overlap(kind, pool.names[first], pool.names[second], here, there)


def _example(pool: Pool, kind: Kind, rows: np.ndarray) -> DuplicateGroup:
    splits = tuple(pool.names[number] for number in np.unique(pool.split[rows]))
    _, first = np.unique(pool.text[rows] if kind == "near" else rows, return_index=True)
    varied = [*np.sort(first).tolist(), *np.setdiff1d(np.arange(len(rows)), first).tolist()]  # different texts first
    return DuplicateGroup(kind, len(rows), splits, tuple(pool.row(int(rows[place])) for place in varied[:SHOWN]))
