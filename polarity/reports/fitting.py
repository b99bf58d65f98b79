"""Tables in the width that there is: numbers are never split, long texts wrap first, and what has no room is named."""

import re
from collections.abc import Sequence
from copy import copy

from rich.cells import cell_len
from rich.table import Column, Table
from rich.text import Text

NUMBER = re.compile(r"[-+]?\d|no labels|-?$")
ASIDE = re.compile(r"(?<=\S) (\[[^\]]*\]|\([^)]*\))(?=\*?$)")
"""The interval, or the share, behind a number."""

HEADING, TEXT, LAST = 8, 16, ("F1",)
"""Columns that a heading and a text keep at least, and the headings whose intervals go last."""


def fit_to_width(table: Table, width: int) -> Table:
    """The table in at most this many columns.

    Texts wrap first, then headings; then numbers lose their intervals, the rightmost first; then columns are left out,
    the rightmost first, and named below the table. Nothing happens to a table that has room.

    :param width: of the terminal, in columns.
    """
    columns = [(copy(column), [str(cell) for cell in column.cells]) for column in table.columns]
    if _total([_natural(*item) for item in columns]) <= width:
        return table
    numeric = [all(NUMBER.match(cell) for cell in cells) for _, cells in columns]
    order = sorted((n for n in range(len(columns)) if numeric[n]), key=lambda n: (_heading(columns[n][0]) in LAST, -n))
    shortened = False
    for number in order:
        if _total(_least(columns, numeric)) <= width:
            break
        column, cells = columns[number]
        shorter = [ASIDE.sub("", cell) for cell in cells]
        shortened = shortened or shorter != cells
        columns[number] = (column, shorter)
    left_out: list[str] = []
    while len(columns) > 2 and _total(_least(columns, numeric)) > width:
        left_out.insert(0, _heading(columns.pop()[0]))
        numeric.pop()
    notes = ["some intervals have no room here"] if shortened else []
    notes += [f"no room for: {', '.join(left_out)}"] if left_out else []
    return _rebuilt(table, columns, _shares(columns, numeric, width), notes)


def _shares(columns: Sequence[tuple[Column, list[str]]], numeric: Sequence[bool], width: int) -> list[int]:
    """Width of each column: the least that it needs, and what remains to those that want more, from the left."""
    shares = _least(columns, numeric)
    spare = width - _total(shares)
    for number, item in enumerate(columns):
        more = max(0, min(spare, _natural(*item) - shares[number]))
        shares[number] += more
        spare -= more
    return shares


def _least(columns: Sequence[tuple[Column, list[str]]], numeric: Sequence[bool]) -> list[int]:
    least = []
    for (column, cells), number in zip(columns, numeric, strict=True):
        body = max((cell_len(cell) for cell in cells), default=0)
        heading = cell_len(_heading(column))
        least.append(max(body, min(heading, HEADING)) if number else min(max(body, heading), TEXT))
    return least


def _natural(column: Column, cells: Sequence[str]) -> int:
    return max(cell_len(_heading(column)), *(cell_len(cell) for cell in cells), 0)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + 3 * len(widths) + 1  # a space on both sides, and the lines


def _heading(column: Column) -> str:
    return column.header.plain if isinstance(column.header, Text) else str(column.header)


def _rebuilt(
    table: Table, columns: Sequence[tuple[Column, list[str]]], widths: Sequence[int], notes: Sequence[str]
) -> Table:
    caption = "; ".join([*([str(table.caption)] if table.caption else []), *notes]) or None
    made = Table(title=table.title, caption=caption)
    for (column, _), width in zip(columns, widths, strict=True):
        made.add_column(column.header, width=width, overflow="fold", justify=column.justify)
    for number, cells in enumerate(zip(*(cells for _, cells in columns), strict=True)):
        row = table.rows[number]
        made.add_row(*cells, style=row.style, end_section=row.end_section)
    return made
