"""What several parts of one model read from equal files, they have once."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_READ: ContextVar[dict[Hashable, Any] | None] = ContextVar("read", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Within the block, the parts of a model are read."""
    token = _READ.set({} if _READ.get() is None else _READ.get())
    try:
        yield
    finally:
        _READ.reset(token)


def once(mark: Hashable, read: Callable[[], Any]) -> Any:
    """What another part has read under this mark, or else is read now; outside of such a block it always is."""
    known = _READ.get()
    if known is None:
        return read()
    if mark not in known:
        known[mark] = read()
    return known[mark]
