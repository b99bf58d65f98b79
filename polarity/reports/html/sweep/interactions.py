"""Two settings together: the mean score at each pair of values."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from polarity.reports.html.sweep.content import Configuration
from polarity.reports.html.sweep.parameters import SearchedParameter

SHOWN, MOST = 3, 12
"""Settings whose pairs are shown, the most important ones, and values of each that a table has room for."""


@dataclass(frozen=True)
class Cell:
    """The configurations that have both values.

    :param mean: of their scores; None if there are none.
    :param shade: 0 for the lowest mean of the table, and 1 for the highest.
    """

    mean: float | None
    configurations: int
    shade: float


@dataclass(frozen=True)
class Interaction:
    """A table of two settings.

    :param cells: rows by columns.
    """

    row: SearchedParameter
    column: SearchedParameter
    cells: Sequence[Sequence[Cell]]


def interactions(parameters: Sequence[SearchedParameter], configurations: Sequence[Configuration]) -> list[Interaction]:
    """Of the pairs of the first settings that have several values each, and not too many for a table."""
    fit = [parameter for parameter in parameters if 2 <= len(parameter.groups) <= MOST]
    return [_table(row, column, configurations) for row, column in combinations(fit[:SHOWN], 2)]


def _table(row: SearchedParameter, column: SearchedParameter, configurations: Sequence[Configuration]) -> Interaction:
    scores = [
        [
            [one.mean for one in configurations
             if one.values.get(row.key) in ours and one.values.get(column.key) in theirs]
            for theirs in column.groups.values()
        ]
        for ours in row.groups.values()
    ]  # fmt: skip
    means = [fmean(cell) for line in scores for cell in line if cell]
    low, high = min(means, default=0.0), max(means, default=0.0)
    width = (high - low) or 1.0
    return Interaction(
        row,
        column,
        [
            [Cell(fmean(cell), len(cell), (fmean(cell) - low) / width) if cell else Cell(None, 0, 0.0) for cell in line]
            for line in scores
        ],
    )
