"""CSV and TSV: records by the standard library's parser in its strict mode; a broken line spoils no other."""

import csv
import json
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal

import pyarrow as pa

from polarity.data.readers.dialect import Dialect
from polarity.prediction.chunk import Chunk
from polarity.prediction.lines import LONGEST, Lines, mended, undecodable
from polarity.prediction.source import Source

Record = tuple[int, list[str], str | None]
"""Line on which a row begins, its cells, and what is wrong with it."""


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

    :param delimiter: between the cells.
    :raises UserError: if it has no header.
    """

    def __init__(self, name: str, lines: Lines, dialect: Dialect, delimiter: str) -> None:
        super().__init__(name)
        self._lines = lines
        self._limit = csv.field_size_limit(LONGEST)  # a global of the csv module, 128 KiB by default
        self._records = _Records(lines, delimiter, dialect.quote)
        self._count = 0
        header = next((record for record in self._records if record[1]), None)
        if header is None or header[2] is not None:
            reason = "is empty" if header is None else f"the header cannot be read: {header[2]}"
            self.close()
            raise self.broken(reason)
        self._header = [mended(cell) for cell in header[1]]

    @property
    def fields(self) -> list[pa.Field]:
        return [pa.field(column, pa.string()) for column in self._header]

    def chunks(self, size: int) -> Iterator[Chunk]:
        while part := list(islice((record for record in self._records if record[1]), size)):
            rows, where, problems = [], [], []
            for line, cells, problem in part:
                self._count += 1
                row, ragged = self._fitted(cells)
                if any(map(undecodable, row)):
                    row = [mended(cell) for cell in row]
                    ragged = ragged or f"holds bytes that are not {self._lines.encoding}"
                rows.append(row)
                where.append(f"row {self._count} (line {line})")
                problems.append(problem or ragged)
            yield DelimitedChunk(self._header, rows, where, problems)

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
    """

    def __init__(self, lines: Lines, delimiter: str, quote: str | None) -> None:
        self._lines, self._delimiter, self._quote = lines, delimiter, quote
        self._taken: list[tuple[int, str]] = []
        self._waiting: deque[tuple[int, str]] = deque()
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
            return number, [line.rstrip("\r\n")], what
        return self._taken[0][0], cells, None

    def _new_reader(self) -> Any:
        quoting: Literal[0, 3] = csv.QUOTE_NONE if self._quote is None else csv.QUOTE_MINIMAL
        return csv.reader(_Feed(self), delimiter=self._delimiter, quotechar=self._quote, quoting=quoting, strict=True)

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
