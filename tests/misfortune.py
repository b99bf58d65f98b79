"""Callbacks that make something go wrong at a certain step of a run, once."""

import os
import signal
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch.callbacks import Callback

SIGNALS = {"interrupt": signal.SIGINT, "terminate": signal.SIGTERM, "kill": signal.SIGKILL}


class Misfortune(Callback):
    """At one batch of one process: an exception, a signal to itself, or weights that are not numbers any more.

    :param mark: a file that is made then, so that the same run is spared when it is resumed.
    """

    def __init__(
        self,
        *,
        mark: str,
        epoch: int = 0,
        batch: int = 0,
        rank: int = 0,
        kind: Literal["error", "interrupt", "terminate", "kill", "spoil"] = "error",
    ) -> None:
        self.mark = Path(mark)
        self.at = (epoch, batch, rank)
        self.kind = kind

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if (trainer.current_epoch, batch_idx, trainer.global_rank) != self.at or self.mark.exists():
            return
        self.mark.touch()
        if self.kind in SIGNALS:
            os.kill(os.getpid(), SIGNALS[self.kind])
        elif self.kind == "spoil":
            next(pl_module.model.heads.parameters()).data.fill_(float("nan"))
        else:
            raise ConnectionAbortedError("power failure")


def misfortune(folder: Path, **settings: Any) -> str:
    """The override that adds it to a run."""
    given = "".join(f", {name}: {value}" for name, value in settings.items())
    return f"+callbacks.misfortune={{_target_: tests.misfortune.Misfortune, mark: {folder / 'mark'}{given}}}"
