"""A setting that is searched, and the values that it may take."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, RangeSweep
from hydra.errors import HydraException

from polarity.config.overrides import closed_key, key_of
from polarity.config.readable import readable, restored
from polarity.config.uncomposable import first_lines
from polarity.errors import UserError, nearest

TAGS = ("log", "int")
DIGITS = 4
"""Significant digits of a proposed number: more would tell little, and nobody could type them."""


def _distinct(values: Iterable[str]) -> Iterable[str]:
    """Each value once, as it was first written: 1 and 1.0 are the same job."""
    known = dict[str | float, str]()
    for text in values:
        try:
            known.setdefault(float(text), text)
        except ValueError:
            known.setdefault(text, text)
    return known.values()


@dataclass(frozen=True)
class Parameter:
    """A setting that is searched: some values, or all numbers between two ends.

    :param key: as it is typed on a command line.
    :param text: its values as they are typed.
    :param values: the values of ``choice()`` and ``range()``; none for ``interval()``.
    :param ordered: whether these are numbers in their order.
    :param low: the lower end of an interval; both belong to it. Whole numbers are meant where it is one.
    :param high: its upper end.
    :param log: whether the logarithm is what is spread evenly.
    """

    key: str
    text: str
    values: tuple[str, ...] = ()
    ordered: bool = False
    low: float = 0.0
    high: float = 0.0
    log: bool = False

    @classmethod
    def read(cls, text: str) -> Self:
        """From an override in Hydra's grammar: ``KEY=choice(a, b)``, ``range(1, 9)``, ``tag(log, interval(1, 20))``.

        :raises UserError: if it cannot be read, or has no values, or ends that are none.
        """
        text = readable(text, multirun=True)
        key, value = restored(closed_key(key_of(text))), text.partition("=")[2]
        try:
            override = OverridesParser.create().parse_override(text)
        except HydraException as error:
            raise UserError(f"{key}: cannot be read ({first_lines(error)})") from error
        sweep = override.value()
        if isinstance(sweep, IntervalSweep):
            _refuse_cut_ends(key, value)
            low, high = _ends(key, value, sweep)
            return cls(key, value, low=low, high=high, log="log" in sweep.tags)
        if not isinstance(sweep, ChoiceSweep | RangeSweep):
            raise UserError(
                f"{key}: {value} says nothing to search; as choice(a, b), range(1, 9), interval(0.1, 0.5) or "
                "tag(log, interval(1e-5, 1e-3))"
            )
        if isinstance(sweep, RangeSweep) and not sweep.step:
            raise UserError(f"{key}: {value}: its step has to be another number than 0")
        values = tuple(_distinct(restored(one) for one in override.sweep_string_iterator()))
        if not values or sweep.tags:
            wrong = f"tag({', '.join(sorted(sweep.tags))}) is for interval()" if values else "there is no value in it"
            raise UserError(f"{key}: {value}: {wrong}")
        return cls(key, value, values, ordered=isinstance(sweep, RangeSweep))

    @property
    def whole(self) -> bool:
        """Whether an interval is one of whole numbers."""
        return isinstance(self.low, int)

    @property
    def count(self) -> float:
        """How many values there are; infinite for an interval of any numbers."""
        return len(self.values) or (self.high - self.low + 1 if self.whole else math.inf)

    @property
    def probes(self) -> list[str]:
        """Values that tell whether all will do: both ends, or all where there is no order."""
        if self.values:
            return list(self.values if not self.ordered else dict.fromkeys((self.values[0], self.values[-1])))
        return [repr(self.low), repr(self.high)]

    def written(self, proposed: str | float) -> str:
        """An override with a proposed value.

        :param proposed: one of ``values``, or its place among them if they are ordered; or the number itself.
        """
        if isinstance(proposed, str):
            return f"{self.key}={proposed}"
        if self.values:
            return f"{self.key}={self.values[int(proposed)]}"
        if self.whole:
            return f"{self.key}={int(proposed)}"
        return f"{self.key}={min(self.high, max(self.low, float(f'{proposed:.{self._digits}g}')))!r}"

    @property
    def _digits(self) -> int:
        """More of them where the interval is narrow beside its numbers, so that it does not become a few values."""
        size = max(abs(self.low), abs(self.high))
        return DIGITS + max(0, math.floor(math.log10(size / (self.high - self.low))))

    def distance(self, text: str) -> float:
        """How far an override is from the first of the values, or the lower end: 0 to 1."""
        value = text.partition("=")[2]
        if self.values:
            place = self.values.index(value) if value in self.values else len(self.values)
            return place / max(1, len(self.values) - 1)
        scale = math.log if self.log else float
        return (scale(float(value)) - scale(self.low)) / (scale(self.high) - scale(self.low))


def _refuse_cut_ends(key: str, text: str) -> None:
    """Hydra makes ``int(interval(1.5, 8))`` one that begins with 1, which was not asked for.

    :raises UserError: if an end is no whole number where whole numbers are asked for.
    """
    if (typed := re.fullmatch(r"\s*int\((.*)\)\s*", text)) is None:
        return
    sweep = OverridesParser.create().parse_override(f"x={typed[1]}").value()
    ends = (sweep.start, sweep.end) if isinstance(sweep, IntervalSweep) else ()
    if not all(end is None or float(end).is_integer() for end in ends):
        raise UserError(f"{key}: {text}: its ends have to be whole numbers")


def _ends(key: str, text: str, sweep: IntervalSweep) -> tuple[float, float]:
    low, high = sweep.start, sweep.end
    assert low is not None
    assert high is not None
    problems = [f"{key}: {text}: no such tag{nearest(one, TAGS)}" for one in sorted(sweep.tags - set(TAGS))]
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        problems.append(f"{key}: {text}: its first end has to be below the second, and both have to be numbers")
    elif "log" in sweep.tags and low <= 0:
        problems.append(f"{key}: {text}: with a logarithm, both ends have to be above 0")
    elif "int" in sweep.tags and not (float(low).is_integer() and float(high).is_integer()):
        problems.append(f"{key}: {text}: its ends have to be whole numbers")
    if problems:
        raise UserError(problems)
    return (int(low), int(high)) if "int" in sweep.tags else (low, high)
