"""What a person reads while a run goes on: the terminal shows it, and the run's log keeps it."""

import sys
from pathlib import Path

from rich import get_console
from rich.console import Console, RenderableType

from polarity.run import RunDirectory


class RunConsole:
    """Prints to the terminal, and the same without colours to the run's log.

    :param log: the log file; None for the terminal alone.
    """

    def __init__(self, log: Path | None) -> None:
        self.log = log

    def print(self, content: RenderableType = "", *, style: str | None = None) -> None:
        """Show text, or a table; brackets in a text are never read as markup."""
        soft_wrap = isinstance(content, str)
        # The terminal has one console, since only that one prints above a progress bar; a file or a pipe has no width.
        console = get_console() if sys.stdout.isatty() else Console(width=140)
        console.print(content, style=style, markup=False, highlight=False, soft_wrap=soft_wrap)
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as file:
                Console(file=file, width=140).print(content, markup=False, highlight=False, soft_wrap=soft_wrap)


def print_failure(run: RunDirectory, error: BaseException) -> None:
    """Say in the end what went wrong, where the traceback is and how to go on."""
    reason = "interrupted" if isinstance(error, (KeyboardInterrupt, SystemExit)) else f"{type(error).__name__}: {error}"
    console = RunConsole(run.log)
    console.print(f"\nThe run stopped: {reason}", style="bold red")
    console.print(f"traceback: {run.path / 'status.json'}")
    if run.resume_point.exists():
        console.print(f"go on with: python -m polarity.train resume={run.path}")
