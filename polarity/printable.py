"""Text of data and of others on its way to a terminal or a log: what would steer either is shown instead of obeyed."""

import logging
import re
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from rich import get_console
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from polarity.secrets import masked_text, without_known

_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and line feed, and the overrides of the writing direction."""


def printable(text: str) -> str:
    r"""The same text with escapes in the place of control characters.

    >>> printable("red: \x1b[31m")
    'red: \\x1b[31m'
    """
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class SafeConsole(Console):
    """The only console of the project: no text steers it, is read as markup, or tells a secret that is known."""

    def render_str(self, text: str, **settings: Any) -> Text:
        """Texts and cells, before their width is measured."""
        return super().render_str(_safe(text), **{**settings, "markup": False, "emoji": False, "highlight": False})

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Whatever else holds text; rich's own movements of the cursor are no text."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(_safe(segment.text), segment.style)


def shared_console() -> SafeConsole:
    """The console that rich shares out, made safe: the only one that prints above a progress bar."""
    console = get_console()
    console.__class__ = SafeConsole  # another one would print below the bar
    return cast("SafeConsole", console)


@contextmanager
def printable_messages() -> Iterator[None]:
    """Within the block, warnings, log messages and failed threads of libraries do not steer the terminal either."""
    written, record, hook = warnings.formatwarning, logging.getLogRecordFactory(), threading.excepthook

    def formatted(*args: Any, **settings: Any) -> str:
        return _safe(written(*args, **settings))

    warnings.formatwarning = formatted
    logging.setLogRecordFactory(_Record)
    threading.excepthook = _tell_thread
    try:
        yield
    finally:
        warnings.formatwarning = written
        logging.setLogRecordFactory(record)
        threading.excepthook = hook


class _Record(logging.LogRecord):
    def getMessage(self) -> str:  # noqa: N802 - the name in the standard library
        return _safe(super().getMessage())


def _tell_thread(failed: threading.ExceptHookArgs) -> None:
    """In a line: who waits for the thread, such as a logger's writer, gets the whole of it."""
    line = f"in the background: {failed.exc_type.__name__}: {failed.exc_value}"
    SafeConsole(stderr=True, soft_wrap=True).print(masked_text(line))


def _safe(text: str) -> str:
    return printable(without_known(text))
