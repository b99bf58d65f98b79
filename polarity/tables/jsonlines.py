"""JSON lines: one object a line; its text is kept as it was written. A key that a line lacks is a missing cell."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa

from polarity.privacy import excerpt
from polarity.tables.chunk import Chunk, WrittenNumber, encodable
from polarity.tables.encoding import mended, undecodable
from polarity.tables.lines import Lines
from polarity.tables.places import Places
from polarity.tables.problems import Refusal
from polarity.tables.reader import TableReader

_EDGE = 100
"""Characters shown of a broken line, before and after the place where it breaks."""
_DIGITS = 640
"""Digits of a whole number that Python reads under any setting."""


def _whole(literal: str) -> float:
    """A whole number; beyond what Python takes from a text, one that is only written out again."""
    return int(literal) if len(literal) <= _DIGITS else WrittenNumber(literal)


class JsonReader(TableReader):
    """Objects of a JSON lines stream.

    :param columns: the keys that become columns; None: those of each chunk, so that chunks may have different ones.
    """

    WITHOUT_ROWS = "the file is empty or holds nothing but blank lines"

    def __init__(self, name: str, lines: Lines, columns: Sequence[str] | None = None) -> None:
        super().__init__(name)
        self._lines, self._columns = lines, columns
        self._keys: dict[str, None] = {}
        self._repeated = ""
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_float=WrittenNumber, parse_constant=WrittenNumber, parse_int=_whole
        )
        self._count = 0

    @property
    def fields(self) -> list[pa.Field]:
        """The keys that become columns, or all that were read so far."""
        return [pa.field(column, pa.string()) for column in self._columns or self._keys]

    def chunks(self, size: int) -> Iterator[Chunk]:
        while part := list(islice(self._filled(), size)):
            rows, objects, where, refusals = [], [], Places(), []
            for number, line in part:
                self._count += 1
                row, refusal = self._parsed(line)
                rows.append(row)
                objects.append(mended(line, "\\\\").strip()[1:-1].strip() if row else "")
                where.add(self._count, number)
                refusals.append(refusal)
            keys = dict.fromkeys(key for row in rows for key in row)
            self._keys |= keys
            names = list(keys if self._columns is None else self._columns)
            yield Chunk(names, [[row.get(name) for row in rows] for name in names], where, refusals, objects)

    def notes(self) -> list[str]:
        return self._lines.notes()

    def close(self) -> None:
        self._lines.close()

    def _filled(self) -> Iterator[tuple[int, str]]:
        return ((self._lines.number, line) for line in self._lines if line and not line.isspace())

    def _parsed(self, line: str) -> tuple[dict[str, Any], Refusal | None]:
        """The object of a line, and why it cannot be used."""
        text = mended(line, "\\\\").strip()
        if self._count == 1 and (text.startswith("[") or text == "{"):
            advice = "write one object a line (pandas: to_json(FILE, orient='records', lines=True))"
            raise self.broken(f"is one JSON document, not JSON lines: {advice}")
        try:
            value = self._decoder.decode(text.replace("\0", "\\u0000"))  # whoever needs the text refuses it
        except json.JSONDecodeError as error:
            if text.startswith("{") and not text.endswith("}") and not line.endswith("\n"):
                end = excerpt(repr(text[-_EDGE:]))
                return {}, Refusal("the last line breaks off; the file is truncated", f"ends with {end}")
            near = excerpt(repr(text[max(0, error.pos - _EDGE) : error.pos + _EDGE]))
            return {}, Refusal("is not JSON", f"has '{error.msg}' at character {error.pos + 1}, in {near}")
        except RecursionError:  # lists a thousand deep
            return {}, Refusal("is no JSON that can be read")
        if not isinstance(value, dict):
            advice = 'every line must be like {"text": "..."}'
            return {}, Refusal("is not a JSON object", f"is {excerpt(text[:_EDGE])}", advice)
        value = {encodable(key): cell for key, cell in value.items()}  # half a surrogate pair names no column
        mixed = self._lines.is_partly_utf8
        return value, undecodable(line, self._lines.dialect, mixed=mixed) or self._twice()

    def _twice(self) -> Refusal | None:
        key = self._repeated
        return Refusal(f"the key {excerpt(repr(key))} occurs twice in one object") if key else None

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """An object; the outermost of a line is the last, and only its own keys are columns."""
        made, keys = dict(pairs), [key for key, _ in pairs]
        self._repeated = next((key for key in made if keys.count(key) > 1), "") if len(made) < len(keys) else ""
        return made
