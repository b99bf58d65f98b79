"""Whether messages show what stands in the data, which end in logs and records of runs, and whether it is cached."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

HIDDEN = "(hidden, as texts are private)"

_SHOWN: ContextVar[bool] = ContextVar("texts are shown", default=True)


def show_texts(shown: bool) -> None:  # noqa: FBT001 - what it is about is its name
    """From now on messages show excerpts of the data, or do not; in one call nobody can undo the latter."""
    _SHOWN.set(shown and _SHOWN.get())


def forget_privacy() -> None:
    """Another call begins, in which nobody has hidden anything yet."""
    _SHOWN.set(True)


@contextmanager
def texts_of(shown: bool) -> Iterator[None]:  # noqa: FBT001 - what it is about is its name
    """Within the block messages show excerpts or do not, whatever holds around it: it is about other data."""
    token = _SHOWN.set(shown)
    try:
        yield
    finally:
        _SHOWN.reset(token)


def texts_are_shown() -> bool:
    """Whether nobody has hidden them."""
    return _SHOWN.get()


def keeping_texts(cache: Path) -> Path | None:
    """The cache for texts, and for what they can be read from, such as token ids; None where they are private."""
    return cache if _SHOWN.get() else None


def excerpt(text: str) -> str:
    """What a message shows of a text, a label or another cell of the data."""
    return text if _SHOWN.get() else HIDDEN
