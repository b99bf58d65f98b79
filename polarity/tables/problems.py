"""Collects what is wrong with data, so that the user sees all of it at once and not a screen for each row."""

from collections.abc import Iterable
from dataclasses import dataclass, field

SHOWN = 5
"""Examples shown of each kind of problem; the others are counted."""


@dataclass(frozen=True)
class Refusal:
    """Why a row cannot be used.

    :param what: is wrong, in the same words for all rows of which it holds.
    :param detail: of this row, to be read on from its place: ``has 5``, ``is 12 (int)``.
    """

    what: str
    detail: str = ""
    advice: str = ""

    def at(self, where: str) -> str:
        """In one line: ``row 3 (line 4) has 5: too many cells for the 4 columns of the header``."""
        return f"{where} {self.detail}".rstrip() + f": {self.what}"


@dataclass
class _Kind:
    advice: str
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def line(self, what: str) -> str:
        rest = f", and {self.count - SHOWN:,} more ({self.count:,} in all)" if self.count > SHOWN else ""
        advice = self.advice and (f" {self.advice}" if self.advice.startswith("(") else f"; {self.advice}")
        return f"{what}: {', '.join(self.examples)}{rest}{advice}"


class Problems:
    """Problems in the order in which they were found; those of one kind are one line.

    >>> problems = Problems()
    >>> problems.at("a.csv: column 'text' is empty", "row 1 (line 2)", "fill it or remove the row")
    >>> problems.at("a.csv: column 'text' is empty", "row 9 (line 10)", "fill it or remove the row")
    >>> problems.lines()
    ["a.csv: column 'text' is empty: row 1 (line 2), row 9 (line 10); fill it or remove the row"]
    """

    def __init__(self) -> None:
        self.kinds: dict[str, _Kind | None] = {}

    def __len__(self) -> int:
        return len(self.kinds)

    def add(self, problem: str) -> None:
        """Add one problem that stands alone."""
        self.kinds.setdefault(problem)

    def extend(self, problems: Iterable[str]) -> None:
        """Add several problems that each stand alone."""
        for problem in problems:
            self.add(problem)

    def at(self, what: str, where: str, advice: str = "") -> None:
        """Add one place, ``where``, at which the problem ``what`` occurs."""
        kind = self.kinds.get(what)
        if kind is None:
            kind = self.kinds[what] = _Kind(advice)
        kind.count += 1
        if kind.count <= SHOWN:
            kind.examples.append(where)

    def refuse(self, name: str, where: str, refusal: Refusal, advice: str = "") -> None:
        """Add a row of the table ``name`` that cannot be used.

        :param advice: what else can be done.
        """
        advices = "; ".join(filter(None, (refusal.advice, advice)))
        self.at(f"{name}: {refusal.what}", f"{where} {refusal.detail}".rstrip(), advices)

    def merge(self, other: "Problems") -> None:
        """Add all that ``other`` holds."""
        self.kinds |= {what: kind for what, kind in other.kinds.items() if what not in self.kinds}

    def lines(self) -> list[str]:
        """One line for each problem or kind of problem."""
        return [what if kind is None else kind.line(what) for what, kind in self.kinds.items()]
