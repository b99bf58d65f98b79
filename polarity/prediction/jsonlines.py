"""JSON lines: one object a line; its text is kept as it was written."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Self

import pyarrow as pa

from polarity.prediction.chunk import Chunk, cell_of
from polarity.prediction.lines import Lines, mended, undecodable
from polarity.prediction.source import Source


class JsonChunk(Chunk):
    """Objects of a JSON lines file.

    :param columns: keys that become columns, where the output has columns.
    :param lines: the objects as they were written; the text of a line that holds none.
    :param rows: the objects, empty for a line that holds none.
    """

    def __init__(
        self,
        columns: list[str],
        lines: list[str],
        rows: list[dict[str, Any]],
        where: list[str],
        problems: list[str | None],
    ) -> None:
        super().__init__(where, problems)
        self.columns, self.lines, self.rows = columns, lines, rows

    def column(self, name: str) -> list[Any]:
        return [row.get(name) for row in self.rows]

    def cells(self) -> list[list[str]]:
        return [[self._literal(row.get(name)) for name in self.columns] for row in self.rows]

    def objects(self) -> list[str]:
        return [line.strip()[1:-1].strip() if row else "" for line, row in zip(self.lines, self.rows, strict=True)]

    def arrays(self) -> list[pa.Array]:
        return [
            pa.array([None if row.get(name) is None else self._literal(row[name]) for row in self.rows], pa.string())
            for name in self.columns
        ]

    @staticmethod
    def _literal(value: object) -> str:
        text = value.literal if isinstance(value, Number) else cell_of(value)
        return text.encode("utf-8", "backslashreplace").decode()  # JSON may escape half a surrogate pair


class Number(float):
    """A number that remembers how it was written, since 1.10 and 1.1 may not mean the same to its owner."""

    literal: str

    def __new__(cls, literal: str) -> Self:
        """The number of a JSON text."""
        number = super().__new__(cls, literal)
        number.literal = literal
        return number

    def __repr__(self) -> str:
        return self.literal


class JsonSource(Source):
    """Objects of a JSON lines stream.

    :param columns: keys that become columns; None while they are not known, which is enough for JSON lines output.
    """

    def __init__(self, name: str, lines: Lines, columns: list[str] | None = None) -> None:
        super().__init__(name)
        self._lines, self._columns = lines, columns or []
        self.keys: dict[str, None] = {}
        """All keys of the objects that were read so far."""
        self._repeated = False
        self._decoder = json.JSONDecoder(object_pairs_hook=self._object, parse_float=Number, parse_constant=Number)
        self._count = 0

    @property
    def fields(self) -> list[pa.Field]:
        return [pa.field(column, pa.string()) for column in self._columns]

    def chunks(self, size: int) -> Iterator[Chunk]:
        while part := list(islice(self._filled(), size)):
            rows, lines, where, problems = [], [], [], []
            for number, line in part:
                self._count += 1
                row, problem = self._parsed(line, first=self._count == 1)
                self.keys |= dict.fromkeys(row)
                rows.append(row)
                lines.append(mended(line, "\\\\"))
                where.append(f"row {self._count} (line {number})")
                problems.append(problem)
            yield JsonChunk(self._columns, lines, rows, where, problems)

    def close(self) -> None:
        self._lines.close()

    def _filled(self) -> Iterator[tuple[int, str]]:
        return ((self._lines.number, line) for line in self._lines if not line.isspace())

    def _parsed(self, line: str, *, first: bool) -> tuple[dict[str, Any], str | None]:
        """The object of a line, and what is wrong with it."""
        if first and line.lstrip().startswith("["):
            raise self.broken("is one JSON document, not JSON lines: write one object a line")
        self._repeated = False
        text = mended(line, "\\\\")
        try:
            value = self._decoder.decode(text.strip())
        except json.JSONDecodeError as error:
            return {}, f"is not JSON, character {error.pos + 1}: {error.msg}: {_short(text)}"
        except (ValueError, RecursionError):
            return {}, f"is no JSON that can be read: {_short(text)}"
        if not isinstance(value, dict):
            return {}, f"is not a JSON object: {_short(text)}"
        if undecodable(line):
            return value, f"holds bytes that are not {self._lines.encoding}"
        return value, "names one key twice" if self._repeated else None

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        self._repeated |= len(made) < len(pairs)
        return made


def _short(line: str) -> str:
    text = line.strip()
    return text if len(text) <= 200 else f"{text[:200]}..."
