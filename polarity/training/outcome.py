"""How a run ended, recorded in its folder at the moment when it is known."""

import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from polarity.processes import led_folder, rank
from polarity.reports.console import print_failure
from polarity.run import RunDirectory
from polarity.training.signals import Interrupted

PATIENCE = 3.0
"""Seconds for which a process of a further device leaves it to the first one to record a failure of them all."""


class Outcome(Callback):
    """Records the first failure of a run, on whichever device it happens: what follows elsewhere is only its echo.

    :param run: the run's folder.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.recorded = False
        self._attempt = run.status.get("pid")
        self._trainer: Trainer | None = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Remember who has started the other processes."""
        self._trainer = trainer

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Record before Lightning tears down, which breaks the connection that other devices wait on."""
        self.record(exception)

    def record(self, error: BaseException) -> None:
        """Mark the run as failed, unless that is recorded already, or its results have been written."""
        if self._known(PATIENCE if rank() > 0 else 0):
            return
        text = "".join(traceback.format_exception(error))
        self.run.set_status("failed", error=str(error) or type(error).__name__, traceback=text)
        self.recorded = True

    def _known(self, patience: float) -> bool:
        """Whether the run's end is recorded, or it has been resumed since, and is no longer this process's business."""
        until = time.monotonic() + patience
        while (status := self.run.status)["state"] == "running" and status.get("pid") == self._attempt:
            if time.monotonic() >= until:
                return False
            time.sleep(0.1)
        return True

    def conclude(self, error: BaseException) -> None:
        """Record, tell on the console, and end the processes of further devices, which nobody else would end."""
        self.record(error)
        if not self.recorded:
            return
        print_failure(self.run, error)
        launcher = None if self._trainer is None or rank() > 0 else self._trainer.strategy.launcher
        if launcher is not None:
            launcher.kill(signal.SIGKILL)


@contextmanager
def failure_told_to_the_first() -> Iterator[None]:
    """Record also what goes wrong in a further device's process before it trains: the first one only sees it vanish."""
    try:
        yield
    except BaseException as error:
        folder = led_folder()
        if folder and not (isinstance(error, SystemExit) and not error.code):
            Outcome(RunDirectory(folder)).record(error)
        raise


def exit_code(error: BaseException) -> int:
    """130 and 143 for signals, as in a shell, and 1 for every failure."""
    if isinstance(error, Interrupted):
        return int(error.code or 1)
    return 130 if isinstance(error, KeyboardInterrupt) else 1
