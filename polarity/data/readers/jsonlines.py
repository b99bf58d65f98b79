"""JSON lines: one object a line. A key that a line lacks is a missing cell."""

import json
from typing import Any

from polarity.data.problems import Problems
from polarity.data.table import Table

_EDGE = 30
"""Characters shown of a broken line, up to the place where it breaks."""


def read_jsonlines(name: str, text: str, problems: Problems) -> Table | None:
    """The table; broken lines are reported and left out."""
    # Not str.splitlines: U+2028 and its like may stand inside JSON strings.
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line and not line.isspace()]
    if not lines:
        problems.add(f"{name}: the file holds nothing but blank lines")
        return None
    first = lines[0][1].strip()
    if first.startswith("[") or first == "{":
        problems.add(
            f"{name}: is one JSON document, not JSON lines: write one object a line "
            "(pandas: to_json(FILE, orient='records', lines=True))"
        )
        return None
    parser = _Parser(name, problems)
    rows: list[tuple[int, int, dict[str, Any]]] = []
    for number, (line_number, line) in enumerate(lines, start=1):
        row = parser.parse(line, f"row {number} (line {line_number})", last=number == len(lines))
        if row is not None:
            rows.append((number, line_number, row))
    keys = dict.fromkeys(key for _, _, row in rows for key in row)
    columns = {key: [row.get(key) for _, _, row in rows] for key in keys}
    numbers, starts = [row[0] for row in rows], [row[1] for row in rows]
    return Table(name, columns, numbers, starts, cut_off=parser.cut_off)


class _Parser:
    def __init__(self, name: str, problems: Problems) -> None:
        self.cut_off = False
        self._name, self._problems = name, problems
        self._repeated: list[str] = []
        self._decoder = json.JSONDecoder(object_pairs_hook=self._object)

    def parse(self, line: str, where: str, *, last: bool) -> dict[str, Any] | None:
        """The object on the line, or None."""
        self._repeated.clear()
        try:
            value = self._decoder.decode(line.strip())
        except json.JSONDecodeError as error:
            self._report(error, line, where, last=last)
            return None
        except (ValueError, RecursionError):  # a number of thousands of digits, lists a thousand deep
            self._problems.at(f"{self._name}: no JSON object that can be read", where)
            return None
        if not isinstance(value, dict):
            shown = f"{where} is {_shorten(line)}"
            self._problems.at(f"{self._name}: not a JSON object", shown, 'every line must be like {"text": "..."}')
            return None
        for key in self._repeated:
            self._problems.at(f"{self._name}: the key {key!r} occurs twice in one object", where)
        if "\\ud" in line.lower() and not _encodable(value):
            what = f"{self._name}: half of a surrogate pair, which is no character"
            self._problems.at(what, where, "write the text in UTF-8, without \\u escapes")
            return None
        return value

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            keys = [key for key, _ in pairs]
            self._repeated.extend(key for key in made if keys.count(key) > 1)
        return made

    def _report(self, error: json.JSONDecodeError, line: str, where: str, *, last: bool) -> None:
        stripped = line.strip()
        if last and stripped.startswith("{") and not stripped.endswith("}"):
            self.cut_off = True
            shown = f"{where} ends with {stripped[-_EDGE:]!r}"
            self._problems.at(f"{self._name}: the last line breaks off; the file is truncated", shown)
            return
        near = stripped[max(0, error.pos - _EDGE) : error.pos + 1]
        shown = f"{where}, character {error.pos + 1}: {error.msg} at the end of {near!r}"
        self._problems.at(f"{self._name}: not JSON", shown)


def _encodable(value: dict[str, Any]) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _shorten(line: str) -> str:
    return line.strip() if len(line.strip()) <= _EDGE else f"{line.strip()[:_EDGE]}..."
