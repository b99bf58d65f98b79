"""Texts as they have to be written in overrides, and what stands there without being one."""

import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from os import PathLike
from typing import Any

from polarity.errors import UserError

_BARE_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]*")
_NO_BARE_WORD = {"null", "true", "false", "nan", "inf"}


def in_quotes(text: str) -> str:
    """The text as it has to be written in an override to arrive as it is; backslashes count only before a quote."""
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', text)
    trailing = len(escaped) - len(escaped.rstrip("\\"))
    return f'"{escaped}{chr(92) * trailing}"'


def command_line(verb: str, *words: str) -> str:
    """A command as a shell takes it, whatever its words hold.

    >>> command_line("report", "run=my runs/a")
    "python -m polarity.report 'run=my runs/a'"
    """
    return shlex.join(["python", "-m", f"polarity.{verb}", *words])


def as_word(text: str) -> str:
    """The text as it has to be written in an override to arrive as text, without quotes where they are not needed."""
    return text if _BARE_WORD.fullmatch(text) and text.casefold() not in _NO_BARE_WORD else in_quotes(text)


def as_name(text: str) -> str:
    """As :func:`as_word`, where a whole number names the same as its digits: classes, and columns of tasks."""
    return text if _WHOLE_NUMBER.fullmatch(text) else as_word(text)


def overrides_of(settings: Mapping[str, object]) -> list[str]:
    """Overrides that give settings these values: plain ones, those of NumPy, paths, and lists and mappings of them.

    :raises UserError: for each of another kind.
    """
    overrides, problems = list[str](), list[str]()
    for key, value in settings.items():
        try:
            overrides.append(f"{key}={_written(value)}")
        except (TypeError, ValueError):
            problems.append(f"{key}: must be a text, number or path, or a list or mapping of them, got {value!r}")
    if problems:
        raise UserError(problems)
    return overrides


def _written(value: object) -> str:
    if isinstance(value, (str, PathLike)):
        return as_word(str(value))
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{as_word(str(key))}:{_written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_written, value)) + "]"
    return json.dumps(_plain(value))


def _plain(value: Any) -> Any:
    """A number of NumPy, which JSON does not know, in as few digits as its own type needs: 0.1 and no 0.10000000149."""
    scalar = value[()] if getattr(value, "ndim", None) == 0 else value  # also an array without dimensions
    if isinstance(scalar, Real) and not isinstance(scalar, Integral):
        return float(str(scalar))
    return scalar.item() if hasattr(scalar, "item") else scalar


def bare_words(overrides: Sequence[str]) -> list[str]:
    """Those of a command line that set nothing: folders and patterns, whose names may hold ``=`` behind a slash.

    Or before it, if there is such a folder.
    """
    words = [text for text in overrides if not text.startswith(("~", "+"))]
    return [text for text in words if "=" not in text.partition("/")[0] or os.path.isdir(text)]  # noqa: PTH112 - false also for what no path can be
