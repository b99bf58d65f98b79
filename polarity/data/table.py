"""A file as it was read, before anything is known about texts, labels and ids."""

import math
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from polarity.data.memory import check_memory
from polarity.data.spelling import as_number
from polarity.errors import UserError
from polarity.privacy import excerpt
from polarity.progress import progress
from polarity.tables.chunk import Chunk, WrittenNumber, encodable
from polarity.tables.dialect import Dialect, delimiter_hint
from polarity.tables.formats import file_format, open_bytes, open_reader, unknown_format
from polarity.tables.places import Places
from polarity.tables.problems import Problems
from polarity.tables.reader import TableReader
from polarity.wording import times

_READ = 10_000
"""Rows read at once."""
_OFTEN = 1_000
"""A column with more different texts than this is hardly one in which they repeat."""
_INDEX = "__index_level_"
"""Prefix of the columns in which pandas keeps an index without a name."""


@dataclass
class Table:
    """Columns of raw cells.

    :param name: the file, as the user wrote it.
    :param columns: cells by column: text, None where missing, or what the format holds (numbers, booleans, lists).
    :param where: how to find each row in its file.
    :param incomplete: rows were refused or hidden, or have no text or split: what is absent here may stand in them.
    :param notes: what the user should know, one sentence each.
    :param setting: that of its :class:`TableReader`.
    """

    name: str
    columns: dict[str, list[Any]]
    where: Places
    incomplete: bool = False
    notes: list[str] = field(default_factory=list)
    setting: str | None = None
    _seen: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, column: str, cells: list[Any]) -> None:
        """Further cells of a column; texts that many rows have, such as labels, are kept once."""
        seen = self._seen.setdefault(column, {})
        if len(seen) <= _OFTEN:
            cells = [seen.setdefault(cell, cell) if type(cell) is str else cell for cell in cells]
        self.columns[column] += cells

    def __len__(self) -> int:
        return len(self.where)


def read_table(path: Path, dialect: Dialect, problems: Problems) -> Table | None:
    """The rows of a file that can be used; None if nothing can be made of it. Nothing is raised.

    :param problems: where to report the others, and whatever else is wrong.
    """
    if (kind := file_format(path)) is None:
        problems.add(f"{path}: {unknown_format(path)}")
        return None
    try:
        with open_reader(str(path), open_bytes(path), kind, dialect) as reader:
            return whole_table(reader, problems)
    except UserError as error:
        problems.extend(error.problems)
        return None


def whole_table(reader: TableReader, problems: Problems) -> Table | None:
    """As :func:`read_table`, of a table that is open.

    :raises UserError: if it breaks off.
    """
    name = reader.name
    if advice := delimiter_hint(reader.columns, reader.setting):  # one column is never enough for a task
        problems.add(f"{name}: the header {excerpt(repr(reader.columns[0]))} is one single column{advice}")
        return None
    kept = {column.strip(): list[Any]() for column in reader.columns if _is_kept(column)}
    table = Table(name, kept, Places(), setting=reader.setting)
    with progress(f"reading {name}") as advance:
        for chunk in reader.chunks(_READ):
            _append(table, chunk, problems)
            check_memory(name, len(table))
            advance(len(chunk))
    hidden = reader.hidden()
    problems.extend(hidden)
    table.notes += reader.notes()
    table.incomplete |= bool(hidden)
    if not len(table) and not table.incomplete:
        problems.add(f"{name}: {reader.WITHOUT_ROWS}")
    columns = [column.strip() for column in reader.columns]
    for column in dict.fromkeys(filter(None, columns)):
        if columns.count(column) > 1:
            places = ", ".join(str(number) for number, other in enumerate(columns, start=1) if other == column)
            count = times(columns.count(column), "time")
            problems.add(f"{name}: the header has {excerpt(repr(column))} {count}, as columns {places}")
    if not table.columns:
        if columns or len(table):  # else there is nothing to have a name, which has been told
            problems.add(f"{name}: no column has a name")
        return None
    if "" in columns:
        table.notes.append(f"{name}: a column without a name is not read")
    return table


def _append(table: Table, chunk: Chunk, problems: Problems) -> None:
    """Add the rows that can be used, and report the others."""
    good = [row for row, refusal in enumerate(chunk.refusals) if refusal is None]
    places: dict[str, int] = {}
    for place, name in enumerate(chunk.names):
        if _is_kept(name):
            places.setdefault(name.strip(), place)
    for name in places:
        table.columns.setdefault(name, [None] * len(table))
    for name in table.columns:
        values = chunk.values(places[name]) if name in places else [None] * len(chunk)
        table.add(name, values if len(good) == len(values) else [values[row] for row in good])
    table.where.extend(chunk.where, good)
    for where, refusal in zip(chunk.where, chunk.refusals, strict=True):
        if refusal is not None:
            problems.refuse(table.name, where, refusal)
            table.incomplete = True


def _is_kept(column: str) -> bool:
    return bool(column.strip()) and not column.startswith(_INDEX)


_Printable = int | date | time | timedelta | UUID


class NoTextError(Exception):
    """A cell is a list, an object or bytes."""


def cell_text(cell: object) -> str | None:
    """A cell as text; None where missing.

    Integral floats read as integers, since integers with gaps are often stored as floats; booleans as JSON writes them.
    A number of JSON keeps all the digits that are written, which may be more than a float has.

    :raises NoTextError: if the cell is a list, an object or bytes.
    """
    if cell is None or isinstance(cell, str):
        return cell and encodable(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, WrittenNumber) and (cell.is_integer() or as_number(repr(float(cell))) != as_number(repr(cell))):
        cell = Decimal(as_number(repr(cell)))
    if isinstance(cell, float | Decimal):
        if math.isnan(cell):
            return None
        if math.isfinite(cell) and cell == int(cell):
            return str(int(cell))
        return str(float(cell) if isinstance(cell, float) else cell)  # 1.1, also where JSON has 1.10
    if isinstance(cell, _Printable):
        return str(cell)
    raise NoTextError
