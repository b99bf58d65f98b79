"""Types of settings. The typed constructor of a component is the schema of its configuration section."""

import re
from typing import Annotated

from pydantic import Field

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
ProperFraction = Annotated[float, Field(ge=0, lt=1)]
PositiveFraction = Annotated[float, Field(gt=0, le=1)]
PositiveInt = Annotated[int, Field(ge=1)]
NonNegativeInt = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
"""The range of numpy's and torch's generators together."""

PerTask = NonNegative | dict[str, NonNegative]
"""One number for all tasks, or ``{task: number}``."""

PerClass = dict[str, dict[str, NonNegative]]
"""``{task: {class: number}}``; what is not named keeps its default."""

_BARE_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*|0|[1-9][0-9]*")
_NO_BARE_WORD = {"null", "true", "false", "nan", "inf"}


def in_quotes(text: str) -> str:
    """The text as it has to be written in an override to arrive as it is; backslashes count only before a quote."""
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', text)
    trailing = len(escaped) - len(escaped.rstrip("\\"))
    return f'"{escaped}{chr(92) * trailing}"'


def as_word(text: str) -> str:
    """The text as it has to be written in an override to arrive as text, without quotes where they are not needed."""
    return text if _BARE_WORD.fullmatch(text) and text.casefold() not in _NO_BARE_WORD else in_quotes(text)
