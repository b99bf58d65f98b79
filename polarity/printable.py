"""Text of data and of others on its way to a terminal or a log: what would steer either is shown instead of obeyed."""

import re

_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and line feed, and the overrides of the writing direction."""


def printable(text: str) -> str:
    r"""The same text with escapes in the place of control characters.

    >>> printable("red: \x1b[31m")
    'red: \\x1b[31m'
    """
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
