"""A file as it was read, before anything is known about texts, labels and ids."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass
class Table:
    """Columns of raw cells.

    :param name: the file, as the user wrote it.
    :param columns: cells by column: text, None where missing, or what the format holds (numbers, booleans, lists).
    :param numbers: number in the file of each row, from 1, counting only rows of data.
    :param lines: line of the file on which each row begins, or None where the format has no lines.
    :param cut_off: rows were lost, nobody knows how many: what is absent here may stand in the lost part.
    :param mangled: cells may hold U+FFFD in the place of undecodable bytes, which have been reported already.
    :param notes: what the user should know, one sentence each.
    """

    name: str
    columns: dict[str, list[Any]]
    numbers: Sequence[int]
    lines: Sequence[int] | None = None
    cut_off: bool = False
    mangled: bool = False
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.numbers)

    def where(self, row: int) -> str:
        """How to find the row: ``row 12 (line 14)``."""
        line = "" if self.lines is None else f" (line {self.lines[row]})"
        return f"row {self.numbers[row]}{line}"


_Printable = int | date | time | timedelta | UUID


class NoTextError(Exception):
    """A cell is a list, an object or bytes."""


def cell_text(cell: object) -> str | None:
    """A cell as text; None where missing.

    Integral floats read as integers, since integers with gaps are often stored as floats; booleans as JSON writes them.

    :raises NoTextError: if the cell is a list, an object or bytes.
    """
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float | Decimal):
        if math.isnan(cell):
            return None
        return str(int(cell)) if math.isfinite(cell) and cell == int(cell) else str(cell)
    if isinstance(cell, _Printable):
        return str(cell)
    raise NoTextError
