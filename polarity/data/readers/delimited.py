"""CSV and TSV, read by the standard library's parser in its strict mode, row by row, so that rows can be named."""

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from polarity.data.problems import Problems
from polarity.data.table import Table

if TYPE_CHECKING:
    import _csv


def read_delimited(name: str, text: str, delimiter: str, quote: str | None, problems: Problems) -> Table | None:
    """The table; broken rows are reported and left out."""
    quoting: Literal[0, 3] = csv.QUOTE_NONE if quote is None else csv.QUOTE_MINIMAL
    lines = io.StringIO(text, newline="")
    with _any_cell_size():
        reader = csv.reader(lines, delimiter=delimiter, quotechar=quote, quoting=quoting, strict=True)
        rows = _Rows(name, reader, problems)
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


class _Rows:
    """Iterates over ``(row number, first line, cells)`` of the sound rows."""

    def __init__(self, name: str, reader: "_csv.Reader", problems: Problems) -> None:
        self.header: list[str] | None = None
        self.broken = 0
        self.cut_off = False
        self._name, self._reader, self._problems = name, reader, problems

    def __iter__(self) -> Iterator[tuple[int, int, list[str]]]:
        number = 0
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                if self.header is None:
                    self._problems.add(f"{self._name}: the header cannot be read: {error}")
                    return
                number += 1
                self.broken += 1
                self._report(error, number, line)
                continue
            if not cells:
                continue
            if self.header is None:
                self.header = [cell.strip() for cell in cells]
                continue
            number += 1
            if len(cells) == len(self.header):
                yield number, line, cells
            else:
                self.broken += 1
                self._report_ragged(len(cells), number, line)

    def _report(self, error: csv.Error, number: int, line: int) -> None:
        # A quote that is closed in the wrong place swallows rows until the next one; only its line helps.
        self.cut_off = True
        last = self._reader.line_num
        if "unexpected end" in str(error):
            what = "a quote is opened and never closed"
            where = f"row {number} (line {line}), read up to the end of the file (line {last})"
        else:
            what = "text after a closing quote"
            where = f"row {number} (line {line}), at line {last}" if last > line else f"row {number} (line {line})"
        advice = 'inside quotes a quote is doubled (""); if quotes are plain characters here, give data.quote=null'
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
