"""Callbacks that make something go wrong at a certain step of a run, once."""

import atexit
import os
import resource
import shutil
import signal
import time
from pathlib import Path
from typing import Any, Literal

import psutil
import torch
from lightning.pytorch.callbacks import Callback

SIGNALS = {"interrupt": signal.SIGINT, "terminate": signal.SIGTERM, "kill": signal.SIGKILL}


class Misfortune(Callback):
    """At one batch of one process: an exception, a signal, weights without numbers, a folder that is gone, no memory,
    or a wait for the end that comes from outside, however fast the machine is.

    :param mark: a file that is made then, so that the same run is spared when it is resumed.
    :param within: name of the run's folder; None for any.
    :param validating: whether a batch of the epoch's validation is meant.
    """

    def __init__(
        self,
        *,
        mark: str,
        epoch: int = 0,
        batch: int = 0,
        rank: int = 0,
        within: str | None = None,
        validating: bool = False,
        kind: Literal[
            "error", "interrupt", "terminate", "kill", "spoil", "vanish", "starve", "flood", "wait"
        ] = "error",
    ) -> None:
        self.mark = Path(mark)
        self.at = (epoch, batch, rank, validating)
        self.within = within
        self.kind = kind

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self.happen(trainer, pl_module, batch_idx)

    def on_validation_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self.happen(trainer, pl_module, batch_idx)

    def happen(self, trainer: Any, pl_module: Any, batch_idx: int) -> None:
        now = (trainer.current_epoch, batch_idx, trainer.global_rank, trainer.validating)
        elsewhere = self.within not in (None, Path(trainer.default_root_dir).name)
        if now != self.at or elsewhere:
            return
        try:
            self.mark.touch(exist_ok=False)
        except FileExistsError:
            return
        if self.kind in SIGNALS:
            os.kill(os.getpid(), SIGNALS[self.kind])
        elif self.kind == "wait":
            time.sleep(600)
        elif self.kind == "spoil":
            next(pl_module.model.heads.parameters()).data.fill_(float("nan"))
        elif self.kind == "vanish":
            shutil.rmtree(trainer.default_root_dir)
        elif self.kind == "starve":
            resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + 2**29, resource.RLIM_INFINITY))
            torch.ones(2**30)
        elif self.kind == "flood":
            (self.mark.parent / "group" / "cgroup.procs").write_text(str(os.getpid()))
            torch.ones(2**30)
        else:
            raise ConnectionAbortedError("power failure")


class Unhurried(Callback):
    """Each epoch takes some time, which others need to look at it.

    :param seconds: how long.
    """

    def __init__(self, *, seconds: float) -> None:
        self.seconds = seconds

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        time.sleep(self.seconds)


class Late(Callback):
    """The first process takes longer than the others to end its training; when it has, and when another one leaves, is
    written down.

    :param folder: where files of these names, "trained" and "left", get the time.
    """

    def __init__(self, *, folder: str) -> None:
        self.folder = Path(folder)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        if trainer.global_rank:
            atexit.register(self.note, "left")
        else:
            time.sleep(5)
            self.note("trained")

    def note(self, what: str) -> None:
        (self.folder / what).write_text(str(time.time()))


def misfortune(folder: Path, *, name: str = "misfortune", **settings: Any) -> str:
    """The override that adds it to a run.

    :param name: of the callback, where a run has several.
    """
    given = "".join(f", {key}: {value}" for key, value in settings.items())
    return f"+callbacks.{name}={{_target_: tests.misfortune.Misfortune, mark: {folder / f'mark of {name}'}{given}}}"
