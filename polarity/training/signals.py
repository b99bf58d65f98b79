"""Ctrl-C and termination end a run in good order, wherever it is."""

import signal
import threading
from types import FrameType
from typing import Any, Self

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from polarity.processes import led_folder

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(SystemExit):
    """A signal asked the process to end; the exit code is the one that shells use for it: 130 or 143."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.name = signal.Signals(number).name

    def __str__(self) -> str:
        return f"interrupted by {self.name}"


class StopOnSignal(Callback):
    """Within its block, the first signal raises :class:`Interrupted`, and a second one ends the process at once.

    The processes of further devices ignore signals, which a terminal sends to all: the first process ends them.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # others may not handle signals
            self._before = {number: signal.signal(number, self._handler()) for number in SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handler(self) -> Any:
        return signal.SIG_IGN if led_folder() else self._stop

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self.received = number
        for each in SIGNALS:  # who asks twice does not want to wait until everything is written
            signal.signal(each, signal.SIG_DFL)
        raise Interrupted(number)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take SIGTERM back from Lightning, whose handler waits for the end of the batch, and for other processes."""
        if signal.SIGTERM in self._before and self.received is None:
            signal.signal(signal.SIGTERM, self._handler())

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Raise again what was raised in a place where Python ignores exceptions, such as a finalizer."""
        if self.received is not None:
            raise Interrupted(self.received)

    def on_validation_batch_start(self, *arguments: Any, **named: Any) -> None:
        """As for training batches."""
        if self.received is not None:
            raise Interrupted(self.received)
