"""Ctrl-C and termination end a run in good order, wherever it is."""

import signal
import threading
from types import FrameType
from typing import Any, Self

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from polarity.processes import SIGNALLED, led_folder

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
)
"""Ctrl-C, termination, a terminal that is closed, and what schedulers such as SLURM send before the time is up."""


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


class Interrupted(SystemExit):
    """A signal asked the process to end; the exit code is the one that shells use for it: 130 or 143."""

    def __init__(self, number: int) -> None:
        super().__init__(SIGNALLED + number)
        self.name = signal.Signals(number).name

    def __str__(self) -> str:
        return f"interrupted by {self.name}"


class StopOnSignal(Callback):
    """Within its block, the first signal ends the run in good order, and a second one ends the process at once.

    While it trains, good order is to finish the optimizer step and save the point where it stands, which
    :class:`polarity.training.callbacks.resume.ResumePoint` does; at all other times :class:`Interrupted` is raised.
    The processes of further devices ignore signals, which a terminal sends to all: the first process tells them.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._trains = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # others may not handle signals
            self._before = handle(self._handler())
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handler(self) -> Any:
        return signal.SIG_IGN if led_folder() else self._stop

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self.received = number
        for each in self._before:  # who asks twice does not want to wait until everything is written
            signal.signal(each, signal.SIG_DFL)
        if not self._trains:
            raise Interrupted(number)

    def on_sanity_check_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the signals back from Lightning, whose handlers wait for other processes, or start the job again.

        :raises Interrupted: if one was raised in a place where Python ignores exceptions, such as a finalizer.
        """
        if self.received is not None:
            raise Interrupted(self.received)
        for number in self._before:
            signal.signal(number, self._handler())

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """As above, and from here on a signal waits for the end of the step."""
        self.on_sanity_check_start(trainer, pl_module)
        self._trains = True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """From here on nothing is lost by ending at once."""
        self._trains = False


def asked_to_stop(trainer: Trainer) -> int:
    """The number of the signal that asks this process to save and stop; 0 if there was none."""
    callbacks: list[Callback] = getattr(trainer, "callbacks", [])
    return next((item.received or 0 for item in callbacks if isinstance(item, StopOnSignal)), 0)
