"""CSV and TSV: records by the standard library's parser in its strict mode; a broken line spoils no other."""

import csv
import json
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from polarity.data.problems import Problems
from polarity.data.readers.dialect import Dialect, numbered, preamble
from polarity.data.readers.swallowed import HIDING, Swallowed
from polarity.errors import UserError
from polarity.prediction.chunk import Chunk
from polarity.prediction.lines import LONGEST, Lines, mended, undecodable
from polarity.prediction.source import Source


class Record(NamedTuple):
    """Line on which a row begins, its cells, what is wrong with it, and the lines from which it was read."""

    line: int
    cells: list[str]
    problem: str | None
    lines: list[str]


class DelimitedChunk(Chunk):
    """Rows of a CSV file.

    :param columns: the header.
    :param rows: cells, as many as there are columns.
    """

    def __init__(self, columns: list[str], rows: list[list[str]], where: list[str], problems: list[str | None]) -> None:
        super().__init__(where, problems)
        self.columns, self.rows = columns, rows

    def column(self, name: str) -> list[Any]:
        place = [column.strip() for column in self.columns].index(name)
        return [row[place] for row in self.rows]

    def cells(self) -> list[list[str]]:
        return self.rows

    def objects(self) -> list[str]:
        names = [json.dumps(column, ensure_ascii=False) for column in self.columns]
        return [
            ", ".join(f"{name}: {json.dumps(cell, ensure_ascii=False)}" for name, cell in zip(names, row, strict=True))
            for row in self.rows
        ]

    def arrays(self) -> list[pa.Array]:
        return [pa.array([row[place] for row in self.rows], pa.string()) for place in range(len(self.columns))]


class DelimitedSource(Source):
    """Rows of a CSV or TSV stream.

    :param usual: the delimiter, if neither the settings nor the input itself name one.
    :raises UserError: if it has no header.
    """

    def __init__(self, name: str, lines: Lines, dialect: Dialect, usual: str) -> None:
        super().__init__(name)
        self._lines = lines
        self._limit = csv.field_size_limit(LONGEST)  # a global of the csv module, 128 KiB by default
        self._records = _Records(lines, dialect, usual)
        self._count = 0
        header = next((record for record in self._records if record.cells), None)
        if header is None or header.problem is not None:
            reason = "is empty" if header is None else f"the header cannot be read: {header.problem}"
            self.close()
            raise self.broken(reason)
        self._header = [mended(cell) for cell in header.cells] if dialect.header else numbered(header.cells)
        self._swallowed = Swallowed(len(self._header), self._records.delimiter)
        self._rows = self._with_empty([] if dialect.header else [header])

    @property
    def fields(self) -> list[pa.Field]:
        return [pa.field(column, pa.string()) for column in self._header]

    def chunks(self, size: int) -> Iterator[Chunk]:
        while part := list(islice(self._rows, size)):
            rows, where, problems = [], [], []
            for record in part:
                self._count += 1
                row, ragged = self._fitted(record.cells)
                if any(map(undecodable, row)):
                    row = [mended(cell) for cell in row]
                    ragged = ragged or f"holds bytes that are not {self._lines.encoding}"
                rows.append(row)
                where.append(f"row {self._count} (line {record.line})")
                problems.append(record.problem or ragged)
                if record.problem is None:
                    self._swallowed.add(where[-1], row, record.lines)
            self._check_swallowed()
            yield DelimitedChunk(self._header, rows, where, problems)

    def _with_empty(self, first: list["Record"]) -> Iterator["Record"]:
        """The records; in an input of one column an empty line is an empty cell, unless only such lines follow."""
        waiting: list[Record] = []
        for record in chain(first, self._records):
            if record.cells:
                yield from waiting
                yield record
                waiting = []
            elif len(self._header) == 1:
                waiting.append(record._replace(cells=[""]))

    def _check_swallowed(self) -> None:
        """Stop where quoting hides rows: there would be fewer rows out than in."""
        found = Problems()
        for where in self._swallowed.found():
            found.at(f"{self.name}: {HIDING}", where, "if quotes are plain characters here, give 'quote=\"\"'")
        if found:
            raise UserError(found.lines())

    def close(self) -> None:
        csv.field_size_limit(self._limit)
        self._lines.close()

    def _fitted(self, cells: list[str]) -> tuple[list[str], str | None]:
        """As many cells as there are columns, and what had to be left out or filled in."""
        wanted = len(self._header)
        if len(cells) == wanted:
            return cells, None
        problem = f"has {len(cells)} cells for the {wanted} columns of the header"
        if len(cells) < wanted:
            return cells + [""] * (wanted - len(cells)), problem
        return cells[:wanted], f"{problem}; left out: {json.dumps(cells[wanted:], ensure_ascii=False)}"


class _Records:
    """Iterates over records. After a line that cannot be parsed, it goes on with the very next one.

    The parser itself would go on behind all that it took for one record, which a quote that is never closed extends
    to the end of the file.

    :param usual: the delimiter, if neither the settings nor the input itself name one.
    """

    def __init__(self, lines: Lines, dialect: Dialect, usual: str) -> None:
        self._lines, self._quote = lines, dialect.quote
        self._taken: list[tuple[int, str]] = []
        self._waiting: deque[tuple[int, str]] = deque()
        named = None
        if (first := next(lines, None)) is not None and (named := preamble(first)) is None:
            self._waiting.append((lines.number, first))
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
            return Record(number, [line.rstrip("\r\n")], what, [line])
        return Record(self._taken[0][0], cells, None, [line for _, line in self._taken])

    def _new_reader(self) -> Any:
        quoting: Literal[0, 3] = csv.QUOTE_NONE if self._quote is None else csv.QUOTE_MINIMAL
        return csv.reader(_Feed(self), delimiter=self.delimiter, quotechar=self._quote, quoting=quoting, strict=True)

    def line(self) -> str:
        """The next line: one that was given back, or a new one."""
        taken = self._waiting.popleft() if self._waiting else None
        if taken is None:
            line = next(self._lines)
            taken = self._lines.number, line
        self._taken.append(taken)
        return taken[1]


class _Feed:
    """What the parser reads from."""

    def __init__(self, records: _Records) -> None:
        self._records = records

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return self._records.line()
