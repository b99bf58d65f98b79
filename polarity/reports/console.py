"""What a person reads while a run goes on: the terminal shows it, and the run's log keeps it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from traceback import format_exception

from rich import get_console
from rich.console import Console, RenderableType
from rich.table import Table

from polarity.printable import printable
from polarity.reports.fitting import fitted
from polarity.run import RunDirectory

WIDTH = 140
"""Of files and pipes, which have none."""

_LOG_ONLY = ContextVar("log_only", default=False)


@contextmanager
def log_only() -> Iterator[None]:
    """Within the block, what has a log goes to the log alone: a sweep shows one line a job."""
    token = _LOG_ONLY.set(True)
    try:
        yield
    finally:
        _LOG_ONLY.reset(token)


class RunConsole:
    """Prints to the terminal, and the same without colours to the run's log.

    :param log: the log file; None for the terminal alone.
    """

    def __init__(self, log: Path | None) -> None:
        self.log = log

    def print(self, content: RenderableType = "", *, style: str | None = None) -> None:
        """Show text, or a table; brackets in a text are never read as markup."""
        content = _shown(content)
        if self.log is None or not _LOG_ONLY.get():
            # The terminal has one console, since only that one prints above a progress bar.
            terminal = sys.stdout.isatty()
            _print(get_console() if terminal else Console(width=WIDTH), content, style=style, wrap=terminal)
        if self.log is not None:
            with self.log.open("a", encoding="utf-8", errors="backslashreplace") as file:
                _print(Console(file=file, width=WIDTH), content)


def _print(console: Console, content: RenderableType, *, style: str | None = None, wrap: bool = False) -> None:
    """Print; text wraps between words on a terminal, so that no number is split, and nowhere else."""
    soft_wrap = isinstance(content, str) and not wrap
    if isinstance(content, Table):
        content = fitted(content, console.width)
    console.print(
        content,
        style=style,
        markup=False,
        highlight=False,
        soft_wrap=soft_wrap,
        overflow="ignore" if isinstance(content, str) else None,
        crop=False,
    )


def _shown(content: RenderableType) -> RenderableType:
    """Texts and the cells of tables without what would steer the terminal: names and ids come from data."""
    if isinstance(content, Table):
        for column in content.columns:
            column._cells = [_shown(cell) for cell in column._cells]  # noqa: SLF001 - there is no public way
    return printable(content) if isinstance(content, str) else content


def print_failure(run: RunDirectory, error: BaseException, *, unwritten: Exception | None = None) -> None:
    """Say in the end what went wrong, where the traceback is and how to go on; within a sweep as well.

    :param unwritten: why this could not be recorded; then the traceback is shown here.
    """
    _LOG_ONLY.set(False)
    stopped = isinstance(error, (KeyboardInterrupt, SystemExit))
    reason = (str(error) or "interrupted") if stopped else f"{type(error).__name__}: {error}"
    lines = [f"\nThe run stopped: {reason}"]
    if unwritten is None:
        lines.append(f"traceback: {run.path / 'status.json'}")
    else:
        lines += ["".join(format_exception(error)).rstrip(), f"this could not be recorded: {unwritten}"]
    lines.append(f"go on with: python -m polarity.train resume={run.path}")
    console = RunConsole(run.log)
    for number, line in enumerate(lines):
        with suppress(OSError):  # the terminal comes first, and has it even where the log cannot be written any more
            console.print(line, style=None if number else "bold red")
