"""CSV and TSV, read by the standard library's parser in its strict mode, row by row, so that rows can be named."""

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from polarity.data.problems import Problems
from polarity.data.readers.dialect import Dialect, numbered, preamble
from polarity.data.readers.swallowed import HIDING, Swallowed
from polarity.data.table import Table

_PLAIN = "give data.quote=null"


def read_delimited(name: str, text: str, dialect: Dialect, usual: str, problems: Problems) -> Table | None:
    """The table; broken rows are reported and left out.

    :param usual: the delimiter, if neither the settings nor the file itself name one.
    """
    lines = _Lines(text)
    delimiter = dialect.delimiter or lines.preamble or usual
    with _any_cell_size():
        rows = _Rows(name, lines, delimiter, dialect, problems)
        found = list(rows)
    if rows.header is None:
        if not problems:
            problems.add(f"{name}: the file holds nothing but blank lines")
        return None
    if other := _other_delimiter(rows.header, delimiter):
        setting = other if other == "tab" else f'"{other}"'
        advice = f"if {other!r} separates the cells, give 'data.delimiter={setting}'"
        problems.add(f"{name}: the header {rows.header[0]!r} is one single column; {advice}")
        return None
    _report_header(name, rows.header, problems)
    if not found and not rows.broken:
        problems.add(f"{name}: has a header but no row")
    cells = zip(*(row for _, _, row in found), strict=True) if found else [()] * len(rows.header)
    columns: dict[str, list[str]] = {}
    for column, values in zip(rows.header, cells, strict=True):
        columns.setdefault(column, list(values))
    notes = []
    if columns.pop("", None) is not None:
        notes.append(f"{name}: a column without a name is not read")
    return Table(
        name, columns, [row for row, _, _ in found], [line for _, line, _ in found], cut_off=rows.cut_off, notes=notes
    )


class _Lines:
    """The lines of a text, and those from which the parser made its last record."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self.number = 0
        self.taken: list[str] = []
        self.preamble = preamble(self._lines.readline())
        if self.preamble is None:
            self._lines.seek(0)
        else:
            self.number = 1

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.number += 1
            self.taken.append(line)
            yield line


class _Rows:
    """Iterates over ``(row number, first line, cells)`` of the sound rows."""

    def __init__(self, name: str, lines: _Lines, delimiter: str, dialect: Dialect, problems: Problems) -> None:
        quoting: Literal[0, 3] = csv.QUOTE_NONE if dialect.quote is None else csv.QUOTE_MINIMAL
        self.header: list[str] | None = None
        self.broken = 0
        self.cut_off = False
        self._reader = csv.reader(
            iter(lines), delimiter=delimiter, quotechar=dialect.quote, quoting=quoting, strict=True
        )
        self._name, self._lines, self._delimiter, self._problems = name, lines, delimiter, problems
        self._named = dialect.header
        self._swallowed: Swallowed | None = None

    def __iter__(self) -> Iterator[tuple[int, int, list[str]]]:
        number, empty = 0, list[int]()
        for line, cells in self._records():
            if self.header is None:
                if isinstance(cells, csv.Error):
                    self._problems.add(f"{self._name}: the header cannot be read: {cells}")
                    return
                if cells:
                    self.header = [cell.strip() for cell in cells] if self._named else numbered(cells)
                    self._swallowed = Swallowed(len(self.header), self._delimiter)
                if self._named or not cells:
                    continue
            if cells == []:  # an empty cell in a file of one column, unless nothing but empty lines follow
                empty += [line] if len(self.header or ()) == 1 else []
                continue
            for blank in empty:
                number += 1
                yield number, blank, [""]
            empty = []
            number += 1
            if isinstance(cells, csv.Error):
                self.broken += 1
                self._report(cells, number, line)
            else:
                yield from self._checked(number, line, cells)
        self._report_swallowed()

    def _records(self) -> Iterator[tuple[int, list[str] | csv.Error]]:
        """First line and cells of each record, or why it cannot be parsed; no cells where the line is empty."""
        while True:
            self._lines.taken = []
            line = self._lines.number + 1
            try:
                yield line, next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, error

    def _checked(self, number: int, line: int, cells: list[str]) -> Iterator[tuple[int, int, list[str]]]:
        assert self.header is not None
        assert self._swallowed is not None
        if len(cells) == len(self.header):
            self._swallowed.add(f"row {number} (line {line})", cells, self._lines.taken)
            yield number, line, cells
        else:
            self.broken += 1
            self._report_ragged(len(cells), number, line)

    def _report_swallowed(self) -> None:
        for where in self._swallowed.found() if self._swallowed is not None else ():
            self.cut_off = True
            advice = f"if quotes are plain characters here, {_PLAIN}"
            self._problems.at(f"{self._name}: {HIDING}", where, advice)

    def _report(self, error: csv.Error, number: int, line: int) -> None:
        # A quote that is closed in the wrong place swallows rows until the next one; only its line helps.
        self.cut_off = True
        last = self._lines.number
        if "unexpected end" in str(error):
            what = "a quote is opened and never closed"
            where = f"row {number} (line {line}), read up to the end of the file (line {last})"
        else:
            what = "text after a closing quote"
            where = f"row {number} (line {line}), at line {last}" if last > line else f"row {number} (line {line})"
        advice = 'inside quotes a quote is doubled (""); if quotes are plain characters here, ' + _PLAIN
        self._problems.at(f"{self._name}: {what}", where, advice)

    def _report_ragged(self, cells: int, number: int, line: int) -> None:
        columns = len(self.header or ())
        advice = (
            "a cell that holds the delimiter must stand in quotes"
            if cells > columns
            else "is the file truncated, or a delimiter missing?"
        )
        kind = "too many" if cells > columns else "too few"
        where = f"row {number} (line {line}) has {cells}"
        self._problems.at(f"{self._name}: {kind} cells for the {columns} columns of the header", where, advice)


def _other_delimiter(header: list[str], delimiter: str) -> str | None:
    """The character by which a header of one column seems to be divided; one column is never enough for a task."""
    if len(header) > 1:
        return None
    return next(
        ("tab" if other == "\t" else other for other in ";\t|," if other in header[0] and other != delimiter), None
    )


def _report_header(name: str, header: list[str], problems: Problems) -> None:
    for column in dict.fromkeys(header):
        places = [str(number) for number, other in enumerate(header, start=1) if other == column]
        if column and len(places) > 1:
            problems.add(f"{name}: the header has {column!r} {len(places)} times, as columns {', '.join(places)}")


@contextmanager
def _any_cell_size() -> Iterator[None]:
    # The limit is a global of the csv module, 128 KiB by default: less than one long article.
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)
