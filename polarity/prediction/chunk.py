"""A part of the input: what the model reads of it, and all its columns as each output format wants them."""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import pyarrow as pa


class Chunk(ABC):
    """Consecutive rows of the input.

    :param where: how to find each row, ``row 12 (line 14)``.
    :param problems: why a row cannot be read, None for rows that can.
    """

    def __init__(self, where: Sequence[str], problems: Sequence[str | None]) -> None:
        self.where = list(where)
        self.problems = list(problems)

    def __len__(self) -> int:
        return len(self.where)

    @abstractmethod
    def column(self, name: str) -> list[Any]:
        """The raw cells of a column; None where a row lacks it."""

    @abstractmethod
    def cells(self) -> list[list[str]]:
        """Each row as a line of CSV holds it."""

    @abstractmethod
    def objects(self) -> list[str]:
        """Each row as the text of a JSON object, without its braces."""

    @abstractmethod
    def arrays(self) -> list[pa.Array]:
        """The columns, one array each."""


def cell_of(value: object) -> str:
    """A value in a line of CSV: text and numbers as they are, lists and objects as JSON, nothing where missing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return json_of(value) if isinstance(value, list | dict | tuple) else str(value)


def json_of(value: object) -> str:
    """A value as JSON; what JSON has no form for, as text."""
    return json.dumps(_plain(value), ensure_ascii=False, default=cell_of)


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # json.dumps would write a bare NaN, which is no JSON
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value
