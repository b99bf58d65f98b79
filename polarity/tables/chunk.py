"""A part of a table: raw cells for those who look at them, and all columns as each format writes them."""

import json
import math
from collections.abc import Sequence
from typing import Any, Self

import pyarrow as pa

from polarity.tables.arrow import python_cells
from polarity.tables.places import Places
from polarity.tables.problems import Refusal


class WrittenNumber(float):
    """A number that remembers how it was written, since 1.10 and 1.1 may not mean the same to its owner."""

    literal: str

    def __new__(cls, literal: str) -> Self:
        """The number of a JSON text."""
        number = super().__new__(cls, literal)
        number.literal = literal
        return number

    def __repr__(self) -> str:
        return self.literal


class Chunk:
    """Consecutive rows.

    :param names: of the columns; more than one may have the same.
    :param columns: raw cells, None where a row lacks one.
    :param where: how to find each row.
    :param refusals: why a row cannot be used, None for rows that can.
    :param objects: each row as the text of a JSON object, without its braces; None to make it from the cells.
    """

    def __init__(
        self,
        names: Sequence[str],
        columns: Sequence[list[Any] | pa.Array],
        where: Places,
        refusals: Sequence[Refusal | None],
        objects: list[str] | None = None,
    ) -> None:
        self.names, self.where, self.refusals = list(names), where, list(refusals)
        self._columns, self._objects = columns, objects

    def __len__(self) -> int:
        return len(self.where)

    def column(self, name: str) -> list[Any]:
        """The raw cells of a column, by its name without blanks around it; None where there is no such column."""
        names = [other.strip() for other in self.names]
        return self.values(names.index(name)) if name in names else [None] * len(self)

    def values(self, place: int) -> list[Any]:
        """The raw cells of a column."""
        column = self._columns[place]
        return list(column) if isinstance(column, list) else python_cells(column)

    def cells(self) -> list[list[str]]:
        """Each row as a line of CSV holds it."""
        return [list(map(cell_of, row)) for row in self._rows()]

    def objects(self) -> list[str]:
        """Each row as the text of a JSON object, without its braces."""
        if self._objects is not None:
            return self._objects
        names = [json_of(name) for name in self.names]
        return [
            ", ".join(f"{name}: {json_of(value)}" for name, value in zip(names, row, strict=True))
            for row in self._rows()
        ]

    def arrays(self) -> list[pa.Array]:
        """The columns, one array each: of text, if they had no type."""
        return [
            pa.array([None if value is None else cell_of(value) for value in column], pa.string())
            if isinstance(column, list)
            else column
            for column in self._columns
        ]

    def _rows(self) -> list[tuple[Any, ...]]:
        columns = [self.values(place) for place in range(len(self.names))]
        return list(zip(*columns, strict=True)) if columns else [()] * len(self)


def cell_of(value: object) -> str:
    """A value in a line of CSV: text and numbers as they are, lists and objects as JSON, nothing where missing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return encodable(json_of(value) if isinstance(value, list | dict | tuple) else str(value))


def encodable(text: str) -> str:
    """The text with escapes in the place of half surrogate pairs, which JSON may hold and UTF-8 may not."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def json_of(value: object) -> str:
    """A value as JSON, with its numbers as they were written; what JSON has no form for, as text."""
    if isinstance(value, WrittenNumber) and value.literal[-1].isdigit():
        return value.literal
    if isinstance(value, float) and not math.isfinite(value):
        return json_of(str(value))  # json.dumps would write a bare NaN, which is no JSON
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(json_of, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json_of(str(key))}: {json_of(item)}' for key, item in value.items())}}}"
    return json.dumps(value, ensure_ascii=False, default=cell_of)
