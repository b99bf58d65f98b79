"""Signals that ask a process to end: what was begun is put in order first."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from polarity.errors import UserError
from polarity.processes import SIGNALLED

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
)
"""Ctrl-C, termination, a terminal that is closed, and what schedulers such as SLURM send before the time is up."""


class Interrupted(SystemExit):
    """A signal asked the process to end; the exit code is the one that shells use for it: 130 or 143."""

    def __init__(self, number: int) -> None:
        super().__init__(SIGNALLED + number)
        self.name = signal.Signals(number).name

    def __str__(self) -> str:
        return f"interrupted by {self.name}"


def interruption_behind(error: BaseException) -> Interrupted | None:
    """The signal that an error has hidden, if one has: a library was amid something, and failed at ending it.

    What the system refuses meanwhile, such as a full disk, and what a user has to know, is told as itself.
    """
    behind: BaseException | None = None if isinstance(error, (UserError, OSError)) else error
    while behind is not None and not isinstance(behind, Interrupted):
        behind = behind.__context__
    return behind


def heeded() -> list[int]:
    """Those of them that this process was not started to ignore, as ``nohup`` does with a terminal that is closed."""
    return [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]


def handle(handler: Any) -> dict[int, Any]:
    """Have this called for each of them, and return what was before.

    Also for those that whoever started this process has blocked, as Ray does with Ctrl-C for all that it starts.
    """
    before = {number: signal.signal(number, handler) for number in heeded()}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, before)
    return before


@contextmanager
def handled(handler: Callable[[int, FrameType | None], Any] | signal.Handlers) -> Iterator[None]:
    """Within the block, have this called for each of them; it has no effect outside the main thread."""
    before = handle(handler) if threading.current_thread() is threading.main_thread() else {}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def interrupt(number: int, _frame: FrameType | None) -> None:
    """End in order; whoever asks a second time does not want to wait for that.

    :raises Interrupted: always.
    """
    for each in heeded():
        signal.signal(each, signal.SIG_DFL)
    raise Interrupted(number)
