"""What shows that something goes on: a bar on a terminal, a line about every minute elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from threading import Event, Thread

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from polarity.printable import SafeConsole
from polarity.wording import times

SECONDS = 60.0
"""Between two lines."""

Say = Callable[[str], None]


def _to_standard_error(line: str) -> None:
    SafeConsole(stderr=True, soft_wrap=True).print(line)


_SAY: ContextVar[Say] = ContextVar("say", default=_to_standard_error)
_INNERMOST: list[object] = []
"""What goes on within what; lines tell the last of it."""


@contextmanager
def lines_to(say: Say) -> Iterator[None]:
    """Within the block, lines go to a run's console and log."""
    token = _SAY.set(say)
    try:
        yield
    finally:
        _SAY.reset(token)


@contextmanager
def progress(what: str, total: int | None = None, unit: str = "row") -> Iterator[Callable[[int], None]]:
    """Show that the block goes on, and how far it is; blocks may stand within others.

    :param total: how many there are to do; None if that is not known, or nothing is counted.
    :returns: to be called with how many more are done.
    """
    say, started, done, ended = _SAY.get(), time.monotonic(), 0, Event()

    def line() -> str:
        return progress_line(what, done, total, unit, time.monotonic() - started)

    def tell() -> None:
        while not ended.wait(SECONDS):
            if _INNERMOST[-1:] == [ended] and not terminal:
                say(f"    {line()}")

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    terminal = _console().is_terminal
    with Progress(*columns, console=_console(), transient=True, disable=not terminal, redirect_stdout=False) as bar:
        task = bar.add_task(what, total=total)

        def advance(more: int) -> None:
            nonlocal done
            done += more
            bar.update(task, advance=more, description=line())

        _INNERMOST.append(ended)
        Thread(target=tell, name=f"progress: {what}", daemon=True).start()
        try:
            yield advance
        finally:
            _INNERMOST.remove(ended)
            ended.set()


def progress_line(
    what: str, done: int, total: int | None, unit: str, seconds: float, *, counted: int | None = None
) -> str:
    """``test: 1,200 of 4,000 rows, 20 rows/s, about 3 min left``.

    :param counted: what was done within the seconds; None: all that is done.
    """
    if not done:
        return f"{what}: {seconds / 60:.0f} min so far"
    speed = max(done if counted is None else counted, 1) / max(seconds, 1e-9)
    rate = f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}"
    if total is None:
        return f"{what}: {times(done, unit)}, {rate} {unit}s/s"
    left = f"about {(total - done) / speed / 60:.0f} min left"
    return f"{what}: {done:,} of {times(total, unit)}, {rate} {unit}s/s, {left}"


@cache
def _console() -> SafeConsole:
    """One for all, since only that one shows bars within bars."""
    return SafeConsole(stderr=True)
