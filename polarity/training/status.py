"""How a run ended, recorded in its folder at the moment when it is known."""

import os
import signal
import threading
import time
import traceback
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from polarity.data.rows import Splits
from polarity.errors import UserError
from polarity.processes import RUN_VARIABLE, led_folder, outside_size, rank, this_process
from polarity.reports.console import print_failure
from polarity.run import RunDirectory, now
from polarity.runs.environment import record_start
from polarity.signals import Interrupted, interruption_behind
from polarity.training.further_devices import FurtherDevices, end_with, watch_further_devices
from polarity.training.manifest import Manifest
from polarity.training.ranks import lead

PATIENCE = 3.0
"""Seconds for which a process of a further device leaves it to the first one to record a failure of them all."""
ENDING = 0.5
"""Seconds that a process which was killed may take to be gone."""
HEARTBEAT = 10.0
"""Seconds after which a run that trains shows again that it does."""


class StatusRecorder(Callback):
    """Records the first failure of a run, on whichever device it happens: what follows elsewhere is only its echo.

    :param run: the run's folder.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.recorded = False
        self.unwritten: Exception | None = None
        self.cause: BaseException | None = None
        self._attempt = run.recorded.get("attempt") if led_folder() else uuid4().hex
        self._trainer: Trainer | None = None
        self._over = threading.Event()
        self._beaten = time.monotonic()

    def begin(self, splits: Splits, identity: Mapping[str, Any]) -> None:
        """Mark the run as this process's own from now on, and record what it depends on, as ``record_start`` does."""
        if led_folder():
            end_with(self.run.recorded, self._over)
        else:
            started = self.run.recorded.get("started", now())
            self.run.set_status("running", attempt=self._attempt, stage="training", started=started, **this_process())
            record_start(self.run, splits, identity)  # before the manifest: what has begun can always tell by what data
            Manifest(self.run).begin()
            lead(self.run.path)

    def watch(self, trainer: Trainer) -> None:
        """Remember who starts the other processes, and be told when one is lost."""
        self._trainer = trainer
        watch_further_devices(trainer, self.conclude)

    def end(self) -> None:
        """Give the run's folder back."""
        self._over.set()
        os.environ.pop(RUN_VARIABLE, None)
        self.run.lock.release()

    def on_train_batch_end(self, *given: Any) -> None:
        """Show that the run goes on."""
        self._beat()

    def on_validation_batch_end(self, *given: Any) -> None:
        """As above."""
        self._beat()

    def _beat(self) -> None:
        if not led_folder() and time.monotonic() - self._beaten > HEARTBEAT:
            self._beaten = time.monotonic()
            self.run.show_life()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Record before Lightning tears down, which breaks the connection that other devices wait on."""
        self.record(exception)

    def record(self, error: BaseException) -> None:
        """Mark the run as failed, unless that is recorded already, or its results have been written.

        Where it cannot be written, as on a full disk, it is only told: the folder's lock, which ends with this process,
        keeps the next reader from believing that the run goes on.
        """
        try:
            if self._known(PATIENCE if rank() > 0 else 0):
                return
            error = self.cause = interruption_behind(error) or self._cause_of(error)
            text = "".join(traceback.format_exception(error))
            details = {"interrupted": True} if isinstance(error, (Interrupted, KeyboardInterrupt)) else {}
            self.run.set_status("failed", error=_reason(error), traceback=text, attempt=self._attempt, **details)
        except (OSError, UserError) as unwritten:
            self.unwritten = unwritten
        self.recorded = True

    def _cause_of(self, error: BaseException) -> BaseException:
        """What another process was lost by, in place of what its silence breaks here."""
        launcher = None if self._trainer is None else self._trainer.strategy.launcher
        if not isinstance(launcher, FurtherDevices) or not isinstance(error, RuntimeError):
            return error
        lost = launcher.problem(ENDING)
        if lost is not None:
            lost.__cause__ = error
        return lost or error

    def _known(self, patience: float) -> bool:
        """Whether the end of this attempt is recorded, or another one has begun since."""
        until = time.monotonic() + patience
        while (status := self.run.recorded).get("attempt") == self._attempt and status["state"] == "running":
            if time.monotonic() >= until:
                return False
            time.sleep(0.1)
        return status.get("attempt") == self._attempt or rank() > 0

    def conclude(self, error: BaseException) -> None:
        """Record, tell on the console, and end the processes of further devices, which nobody else would end."""
        self.record(error)
        if self.recorded:
            print_failure(self.run, self.cause or error, unwritten=self.unwritten)
        launcher = None if self._trainer is None or rank() > 0 else self._trainer.strategy.launcher
        if launcher is not None and self.recorded:
            launcher.kill(signal.SIGKILL)


_SILENCE = ("Connection closed by peer", "Connection reset by peer", "Read error")
"""What gloo says where nobody answers any more."""


def _reason(error: BaseException) -> str:
    """In a few words first: tables show the beginning alone."""
    text = str(error) or type(error).__name__
    _, refused, wanted = text.partition("can't allocate memory")  # torch tells the line of its own code before that
    if refused or isinstance(error, torch.OutOfMemoryError):
        advice = "with batching.micro_batch_size=ROWS, a new run takes fewer rows at once"
        return f"memory ran out: {refused}{wanted or text}; {advice}"
    if outside_size() > 1 and any(sign in text for sign in _SILENCE):
        first = text.splitlines()[0]
        return f"the process of another device is gone; its own lines, or its launcher's, tell why ({first})"
    return text


def record_failure(run: RunDirectory, error: Exception) -> None:
    """What there is of a run that failed before it began."""
    recorder = StatusRecorder(run)
    recorder.conclude(error)
    recorder.end()


def exit_code(error: BaseException) -> int:
    """130 and 143 for signals, as in a shell, and 1 for every failure."""
    if end := interruption_behind(error):
        return int(end.code or 1)
    return 130 if isinstance(error, KeyboardInterrupt) else 1
