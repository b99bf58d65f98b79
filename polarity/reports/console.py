"""What a person reads while a run goes on: the terminal shows it, and the run's log keeps it."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from traceback import format_exception

from rich.console import RenderableType
from rich.table import Table

from polarity.config.trust import foreign_modules
from polarity.errors import HopelessError, UserError
from polarity.printable import SafeConsole, shared_console
from polarity.reports.fitting import fit_to_width
from polarity.run import RunDirectory
from polarity.secrets import masked_text

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
        if self.log is None or not _LOG_ONLY.get():
            # The terminal has one console, since only that one prints above a progress bar.
            terminal = sys.stdout.isatty()
            _print(shared_console() if terminal else SafeConsole(width=WIDTH), content, style=style, wrap=terminal)
        if self.log is not None:
            with self.log.open("a", encoding="utf-8", errors="backslashreplace") as file:
                _print(SafeConsole(file=file, width=WIDTH), content)


def _print(console: SafeConsole, content: RenderableType, *, style: str | None = None, wrap: bool = False) -> None:
    """Print; text wraps between words on a terminal, so that no number is split, and nowhere else."""
    soft_wrap = isinstance(content, str) and not wrap
    if isinstance(content, Table):
        content = fit_to_width(content, console.width)
    console.print(
        content,
        style=style,
        soft_wrap=soft_wrap,
        overflow="ignore" if isinstance(content, str) else None,
        crop=False,
    )


def resuming(run: RunDirectory) -> str:
    """The overrides by which a run goes on."""
    modules = list[str]()
    with suppress(UserError):  # what is wrong with its configuration is told by whoever resumes it
        modules = foreign_modules(run.config)
    trusted = modules[0] if len(modules) == 1 else f"[{','.join(modules)}]"
    return shlex.join([f"resume={run.whole}", *([f"trust={trusted}"] if modules else [])])


def print_failure(run: RunDirectory, error: BaseException, *, unwritten: Exception | None = None) -> None:
    """Say in the end what went wrong, where the traceback is and how to go on; within a sweep as well.

    :param unwritten: why this could not be recorded; then the traceback is shown here.
    """
    _LOG_ONLY.set(False)
    stopped = isinstance(error, (KeyboardInterrupt, SystemExit))
    reason = (str(error) or "interrupted") if stopped else f"{type(error).__name__}: {error}"
    if not run.exists:
        RunConsole(None).print(f"\nThe run stopped: its folder was removed meanwhile: {run.path}", style="bold red")
        return
    lines = [f"\nThe run stopped: {reason}"]
    if unwritten is None:
        lines.append(f"traceback: {run.path / 'status.json'}")
    else:
        lines += ["".join(format_exception(error)).rstrip(), f"this could not be recorded: {unwritten}"]
    if isinstance(error, HopelessError):
        lines.append("nothing was trained: start it anew with other settings")
    else:
        lines.append(f"go on with: python -m polarity.train {resuming(run)}")
    console = RunConsole(run.log)
    for number, line in enumerate(lines):
        with suppress(OSError):  # the terminal comes first, and has it even where the log cannot be written any more
            console.print(masked_text(line), style=None if number else "bold red")
