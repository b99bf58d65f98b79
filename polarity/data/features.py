"""Columns beside the text as numbers that a model reads; what there is to learn of them is learnt of training rows."""

import hashlib
import math
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, Self

import numpy as np

from polarity.content import Json
from polarity.data.declarations import normalize

FeatureKind = Literal["category", "number", "date"]

MOST = 1_000
"""Values of a category that have a place of their own, the most frequent ones."""
FEWEST = 2
"""Training rows that such a value needs."""
FAR = 5.0
"""Deviations from the mean at which a number is cut off, so that one wild value cannot decide alone."""
DAY = 86_400.0
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d[\d.]*,\d+\s*")
_THOUSANDS = re.compile(r"\s*[+-]?\d{1,3}(,\d{3})+(\.\d+)?\s*")


class Feature(ABC):
    """One column. A cell is text, empty where the value is missing."""

    @classmethod
    @abstractmethod
    def learn(cls, cells: Sequence[str]) -> Self:
        """From the training rows, all of which can be read."""

    @classmethod
    @abstractmethod
    def unreadable(cls, cells: Sequence[str]) -> list[int]:
        """Numbers of the cells that nothing can be made of."""

    @classmethod
    def advice(cls, cells: Sequence[str]) -> str:  # noqa: ARG003 - some have none
        """How to write cells that nothing can be made of; empty where nobody knows."""
        return ""

    @property
    @abstractmethod
    def width(self) -> int:
        """How many numbers each cell becomes; 0 where all training rows say the same."""

    @abstractmethod
    def encode(self, cells: Sequence[str]) -> np.ndarray:
        """float32 ``[cells, width]``."""

    def unseen(self, cells: Sequence[str]) -> int:
        """In how many cells a value stands that no training row has.

        Of numbers and dates none is told, nor where values that one training row has stand for such.
        """
        return 0

    @abstractmethod
    def to_dict(self) -> Json:
        """What was learnt, in plain values: the constructor's arguments."""


class Category(Feature):
    """A place for each value that at least two training rows have, one for all others, and one for missing ones.

    A value is known by a hash, so that a model's files do not hold it. Who guesses it can tell whether it was there.

    :param marks: hashes of the values, in the order of their places.
    :param other: whether training rows have other values; if not, nothing is known of those, and all places are 0.
    :param missing: whether training rows lack a value; if not, likewise.
    """

    def __init__(self, marks: Sequence[str], *, other: bool, missing: bool) -> None:
        self.marks, self.other, self.missing = list(marks), other, missing
        self._place = {mark: number for number, mark in enumerate(self.marks)}

    @classmethod
    def learn(cls, cells: Sequence[str]) -> Self:
        counts = Counter(map(normalize, cells))
        missing = counts.pop("", 0) > 0
        kept = [value for value, count in counts.most_common(MOST) if count >= FEWEST]
        return cls(sorted(map(_mark, kept)), other=len(kept) < len(counts), missing=missing)

    @classmethod
    def unreadable(cls, cells: Sequence[str]) -> list[int]:  # noqa: ARG003 - any text is a value
        return []

    @property
    def width(self) -> int:
        places = len(self.marks) + self.other + self.missing
        return places if places > 1 else 0

    def encode(self, cells: Sequence[str]) -> np.ndarray:
        numbers = {cell: self._number(normalize(cell)) for cell in set(cells)}
        encoded = np.zeros((len(cells), self.width), dtype=np.float32)
        places = np.array([numbers[cell] for cell in cells], dtype=np.int64)
        known = (places >= 0) & (places < self.width)
        encoded[known, places[known]] = 1
        return encoded

    def unseen(self, cells: Sequence[str]) -> int:
        known = {cell: not (value := normalize(cell)) or _mark(value) in self._place for cell in set(cells)}
        return 0 if self.other else sum(not known[cell] for cell in cells)

    def _number(self, value: str) -> int:
        """The place of a value; -1 where it has none."""
        last = len(self.marks) + self.other
        if not value:
            return last if self.missing else -1
        return self._place.get(_mark(value), last - 1 if self.other else -1)

    def to_dict(self) -> Json:
        return {"marks": self.marks, "other": self.other, "missing": self.missing}


class Number(Feature):
    """Standardised by mean and deviation of the training rows; a second number says which rows have none.

    A missing value is the mean. If no training row lacks one, there is no second number; if all that have one have the
    same, there is no first.
    """

    def __init__(self, mean: float, deviation: float, *, missing: bool) -> None:
        self.mean, self.deviation, self.missing = mean, deviation, missing

    @staticmethod
    def read(cell: str) -> float:
        """The value of a cell that is not empty.

        :raises ValueError, OverflowError: if it has none.
        """
        value = float(cell)
        if not math.isfinite(value) or "_" in cell:  # Python's own numbers may hold some
            raise ValueError(cell)
        return value

    @classmethod
    def learn(cls, cells: Sequence[str]) -> Self:
        values = cls._values(cells)
        known = values[~np.isnan(values)]
        mean, deviation = _moments(known) if len(known) and known.min() < known.max() else (0.0, 0.0)
        return cls(mean, deviation, missing=0 < len(known) < len(values))

    @classmethod
    def unreadable(cls, cells: Sequence[str]) -> list[int]:
        return [number for number, cell in enumerate(cells) if cell.strip() and cls._value(cell) is None]

    @property
    def width(self) -> int:
        return bool(self.deviation) + self.missing

    def encode(self, cells: Sequence[str]) -> np.ndarray:
        if not self.width:
            return np.zeros((len(cells), 0), dtype=np.float32)
        values = self._values(cells)
        lacking = np.isnan(values)
        with np.errstate(over="ignore"):  # of what is too far to be told, which is cut off as well
            distance = (values / 2 - self.mean / 2) / (self.deviation or 1.0) * 2  # whose whole may be too large
        standard = np.where(lacking, 0.0, np.clip(distance, -FAR, FAR))
        parts = [standard] * bool(self.deviation) + [lacking] * self.missing
        return np.column_stack(parts).astype(np.float32)

    def to_dict(self) -> Json:
        return {"mean": self.mean, "deviation": self.deviation, "missing": self.missing}

    @classmethod
    def advice(cls, cells: Sequence[str]) -> str:
        ways = {"a decimal point": _DECIMAL_COMMA, "thousands without a comma": _THOUSANDS}
        meant = [{way for way, pattern in ways.items() if pattern.fullmatch(cell)} for cell in cells]
        meant = [each for each in meant if each]  # 1,100 may be either, beside 3,5 it is not
        known = set.intersection(*meant) or set.union(*meant) if meant else set()
        return f"write {' or '.join(way for way in ways if way in known)}" if known else ""

    @classmethod
    def _value(cls, cell: str) -> float | None:
        try:
            return cls.read(cell.strip())
        except (ValueError, OverflowError):
            return None

    @classmethod
    def _values(cls, cells: Sequence[str]) -> np.ndarray:
        """float64 ``[cells]``, not a number where missing."""
        found = {cell: cls._value(cell) if cell.strip() else None for cell in set(cells)}
        return np.array([found[cell] for cell in cells], dtype=np.float64)


class Date(Number):
    """Days, standardised as numbers are; ISO 8601, with or without a time of day, which is taken as UTC."""

    @staticmethod
    def read(cell: str) -> float:
        moment = datetime.fromisoformat(cell)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() / DAY

    @classmethod
    def advice(cls, cells: Sequence[str]) -> str:  # noqa: ARG003 - whatever they are
        return "write dates as 2026-01-31"


KINDS: Mapping[FeatureKind, type[Feature]] = {"category": Category, "number": Number, "date": Date}


def feature_from(kind: Any, learnt: Mapping[str, Any]) -> Feature:
    """The feature that learnt this.

    :raises KeyError, TypeError: if it is something else.
    """
    made: Any = KINDS[kind]
    feature: Feature = made(**learnt)
    return feature


def _moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and deviation, of numbers that are divided by a power of two so that no square is too large or too small.

    That changes no digit.
    """
    power = int(np.frexp(np.abs(values).max())[1])
    scaled = np.ldexp(values, -power)
    mean = min(scaled.mean(), scaled.max())  # of the largest numbers there are, it may be rounded up
    return math.ldexp(mean, power), math.ldexp(scaled.std(), power)


def _mark(value: str) -> str:
    return hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
