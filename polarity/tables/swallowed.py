"""Rows that quoting hides: a quote that opens in one row and closes in a later one makes a single cell of both."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from polarity.wording import times

_FEW = 50
"""A column with so many different values, each of which occurs four times on average, is one of labels or the like."""
_LEARNT = 5_000
"""Rows of one line that the others are compared with."""
_TAB = "\t"
"""Texts hold none, so that lines with the right number of cells are rows whatever stands in them."""
HIDING = "a quoted cell holds line breaks that are followed by as many cells as the header has"
_DIGITS, _LETTERS, _SPACES = re.compile(r"\d"), re.compile(r"[^\W\d_]"), re.compile(r"\s")

Test = Callable[[str], bool]


@dataclass
class Swallowed:
    """Records of several lines each of which is a row of its own if quotes are plain characters.

    Real texts of several lines are told apart by the other columns: in 'pos,"Hello⏎my friend, how are you"' the second
    line has two cells as well, but ``my friend`` is none of the labels that rows of one line have.

    :param columns: cells of the header.
    """

    columns: int
    delimiter: str
    _rows: int = 0
    _suspects: list[tuple[str, Sequence[Sequence[str]]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._values: list[dict[str, None] | None] = [{} for _ in range(self.columns)]
        self._shapes = [[True] * 4 for _ in range(self.columns)]

    def add(self, where: str, cells: Sequence[str], lines: Sequence[str]) -> None:
        """Look at a record.

        :param where: how to find it.
        :param lines: of the file, from which the record was read.
        """
        if len(lines) == 1:
            self._learn(cells)
        elif self.columns > 1:
            plain = [row for row in csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE) if row]
            if len(plain) > 1 and all(len(row) == self.columns for row in plain):
                self._suspects.append((where, plain))

    def found(self) -> list[str]:
        """Where the records are, each with the number of the rows in it; empty if there are none."""
        if not self._suspects:
            return []
        if self.delimiter == _TAB:
            tests: dict[int, Test] = {}
        else:
            made = {column: self._test(column) for column in range(self.columns)}
            tests = {column: test for column, test in made.items() if test is not None}
            if not tests:  # nothing but texts: their commas tell nothing
                return []
        return [
            f"{where} holds {times(len(rows), 'row')}"
            for where, rows in self._suspects
            if all(test(row[column].strip()) for row in rows for column, test in tests.items())
        ]

    def _learn(self, cells: Sequence[str]) -> None:
        if len(cells) != self.columns or self._rows == _LEARNT:
            return
        self._rows += 1
        for column, cell in enumerate(cells):
            text = cell.strip()
            self._shapes[column] = [old and new for old, new in zip(self._shapes[column], _shape(text), strict=True)]
            values = self._values[column]
            if values is not None:
                values[text] = None
                if len(values) > _FEW:
                    self._values[column] = None

    def _test(self, column: int) -> Test | None:
        """Whether a cell is like those of the column, as far as they are alike."""
        if not self._rows:
            return None
        values, shape = self._values[column], self._shapes[column]
        if values is not None and len(values) * 4 <= self._rows:
            return values.__contains__
        if not any(shape):
            return None
        return lambda text: all(new or not old for old, new in zip(shape, _shape(text), strict=True))


def _shape(text: str) -> list[bool]:
    """What ids and numbers have in common: no blanks in them, digits, no letters; a value at all says nothing."""
    if not text:
        return [False] * 4
    spaces, digits, letters = _SPACES.search(text), _DIGITS.search(text), _LETTERS.search(text)
    return [not spaces, not spaces and bool(digits), not spaces and not letters, not spaces and bool(letters)]
