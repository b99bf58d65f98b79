"""Ctrl-C and termination end a run in good order, wherever it is."""

import signal
import threading
from types import FrameType
from typing import Any, Self

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from polarity.processes import led_folder
from polarity.signals import Interrupted, handle


class StopOnSignal(Callback):
    """Within its block, the first signal ends the run in good order, and a second one ends the process at once.

    While it trains, good order is to finish the optimizer step and save the point where it stands, which
    :class:`polarity.training.callbacks.resume.ResumePoint` does; at all other times :class:`Interrupted` is raised.
    The processes of further devices ignore signals, which a terminal sends to all: the first process tells them.

    :param at_once: whether it is raised while it trains as well, since nothing is kept of an unfinished training.
    """

    def __init__(self, *, at_once: bool = False) -> None:
        self.at_once = at_once
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
        if self.at_once or not self._trains:
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
