"""Text of data and settings on its way into Markdown, where it must mean itself and nothing else."""

import html
import re

from polarity.printable import printable

_MARKS = re.compile(r"[\\`*\[\]|~]")


def plain(text: object) -> str:
    """The same text without a meaning for Markdown or HTML, on one line.

    >>> plain("<b>[link]")
    '&lt;b&gt;&#91;link&#93;'
    """
    shown = html.escape(printable(" ".join(str(text).split())), quote=False)
    return _MARKS.sub(lambda mark: f"&#{ord(mark[0])};", shown)
