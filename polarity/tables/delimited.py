"""CSV and TSV: records by the standard library's parser in its strict mode; a broken line spoils no other."""

import csv
import json
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from polarity.errors import UserError
from polarity.privacy import excerpt
from polarity.spreadsheets import long_cells
from polarity.tables.chunk import Chunk
from polarity.tables.dialect import Dialect, numbered, preamble
from polarity.tables.encoding import mended, undecodable
from polarity.tables.lines import LONGEST, Lines
from polarity.tables.places import Places
from polarity.tables.problems import Problems, Refusal
from polarity.tables.reader import TableReader
from polarity.tables.swallowed import HIDING, Swallowed
from polarity.wording import times


class Record(NamedTuple):
    """Line on which a row begins, its cells, why it cannot be used, and the lines from which it was read."""

    line: int
    cells: list[str]
    refusal: Refusal | None
    lines: list[str]


class DelimitedReader(TableReader):
    """Rows of a CSV or TSV stream.

    :param usual: the delimiter, if neither the settings nor the input itself name one.
    :raises UserError: if it has no header.
    """

    def __init__(self, name: str, lines: Lines, dialect: Dialect, usual: str) -> None:
        super().__init__(name, dialect.setting)
        self._lines, self._dialect, self._count = lines, dialect, 0
        try:
            self._records = _Records(lines, dialect, usual)
            with long_cells(LONGEST):
                header = self._first()
        except BaseException:  # whoever did not get the reader cannot close it
            self.close()
            raise
        self._header = header.cells if dialect.header else numbered(header.cells)
        self._swallowed = Swallowed(len(self._header), self._records.delimiter)
        self._rows = self._with_empty([] if dialect.header else [header])

    @property
    def fields(self) -> list[pa.Field]:
        return [pa.field(column, pa.string()) for column in self._header]

    def chunks(self, size: int) -> Iterator[Chunk]:
        while (chunk := self._chunk(size)) is not None:
            yield chunk

    def _chunk(self, size: int) -> Chunk | None:
        rows, where, refusals = [], Places(), []
        with long_cells(LONGEST):
            for record in islice(self._rows, size):
                self._count += 1
                row, refusal = self._fitted(record)
                rows.append(row)
                where.add(self._count, record.line)
                refusals.append(refusal)
                if record.refusal is None:
                    self._swallowed.add(where[-1], row, record.lines)
        return Chunk(self._header, list(map(list, zip(*rows, strict=True))), where, refusals) if rows else None

    def _first(self) -> Record:
        """The header, or the first row of a table without one."""
        first = next((record for record in self._records if record.cells), None)
        if first is None:
            raise self.broken("the file holds nothing but blank lines" if self._lines.number else "the file is empty")
        lines = "".join(first.lines)
        refusal = first.refusal or (undecodable(lines, self._dialect) if self._dialect.header else None)
        if refusal is not None:
            problems = Problems()
            where = "the header" if self._dialect.header else f"row 1 (line {first.line})"
            problems.refuse(self.name, where, refusal)
            raise UserError(problems.lines())
        return first

    def _with_empty(self, first: list[Record]) -> Iterator[Record]:
        """The records; in a table of one column an empty line is an empty cell, unless only such lines follow."""
        waiting: list[Record] = []
        for record in chain(first, self._records):
            if record.cells:
                yield from waiting
                yield record
                waiting = []
            elif len(self._header) == 1:
                waiting.append(record._replace(cells=[""]))

    def hidden(self) -> list[str]:
        found = Problems()
        for where in self._swallowed.found():
            found.at(f"{self.name}: {HIDING}", where, self._dialect.without_quotes)
        return found.lines()

    def notes(self) -> list[str]:
        return self._lines.notes()

    def close(self) -> None:
        self._lines.close()

    def _fitted(self, record: Record) -> tuple[list[str], Refusal | None]:
        """As many cells as there are columns, and what is wrong with them."""
        count, columns, line = len(record.cells), len(self._header), "".join(record.lines)
        refusal = record.refusal or (self._ragged(record.cells) if count != columns else None)
        cells = [*record.cells[:columns], *[""] * (columns - count)]
        if (found := undecodable(line, self._dialect, mixed=self._lines.is_partly_utf8)) is not None:
            return [mended(cell) for cell in cells], refusal or found
        return cells, refusal

    def _ragged(self, cells: list[str]) -> Refusal:
        columns = len(self._header)
        of = f"cells for the {times(columns, 'column')} of the header"
        if len(cells) < columns:
            advice = "is the file truncated, or a delimiter missing?"
            return Refusal(f"too few {of}", f"has {len(cells)}", advice)
        left_out = json.dumps([mended(cell) for cell in cells[columns:]], ensure_ascii=False)
        advice = "a cell that holds the delimiter must stand in quotes"
        return Refusal(f"too many {of}", f"has {len(cells)} (left out: {excerpt(left_out)})", advice)


class _Records:
    """Iterates over records. After a line that cannot be parsed, it goes on with the very next one.

    The parser itself would go on behind all that it took for one record, which a quote that is never closed extends
    to the end of the file.

    :param usual: the delimiter, if neither the settings nor the input itself name one.
    """

    def __init__(self, lines: Lines, dialect: Dialect, usual: str) -> None:
        self._lines, self._dialect = enumerate(lines, start=1), dialect
        self._taken: list[tuple[int, str]] = []
        self._waiting: deque[tuple[int, str]] = deque()
        named = None
        if (first := next(self._lines, None)) is not None and (named := preamble(first[1])) is None:
            self._waiting.append(first)
        self.delimiter = dialect.delimiter or named or usual
        self._reader = self._new_reader()

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        self._taken = []
        try:
            cells = next(self._reader)
        except csv.Error as error:
            (number, line), *rest = self._taken
            self._waiting.extendleft(reversed(rest))
            self._reader = self._new_reader()
            within = not rest and "unexpected end" not in str(error)
            what = "has text after a closing quote" if within else "opens a quote that is not closed where a cell ends"
            advice = f'inside quotes a quote is doubled (""); {self._dialect.without_quotes}'
            return Record(number, [line.rstrip("\r\n")], Refusal(what, advice=advice), [line])
        return Record(self._taken[0][0], cells, None, [line for _, line in self._taken])

    def _new_reader(self) -> Any:
        quote = self._dialect.quote
        quoting: Literal[0, 3] = csv.QUOTE_NONE if quote is None else csv.QUOTE_MINIMAL
        return csv.reader(self._feed(), delimiter=self.delimiter, quotechar=quote, quoting=quoting, strict=True)

    def _feed(self) -> Iterator[str]:
        """What the parser reads from: lines that were given back, then new ones."""
        while (taken := self._waiting.popleft() if self._waiting else next(self._lines, None)) is not None:
            self._taken.append(taken)
            yield taken[1]
