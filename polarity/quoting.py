"""Texts as they have to be written in overrides."""

import re

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
