"""A loss that is not finite stops the run, with the rows that caused it."""

from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from polarity.content import State
from polarity.settings import PositiveInt

SELDOM = 20
"""Batches between two looks where these wait for the device."""


class NonFiniteLossError(RuntimeError):
    """The training loss became infinite or not a number."""


class StopOnNonFiniteLoss(Callback):
    """Stops when a micro-batch's loss is not finite, naming the rows of the batch.

    :param every_n_batches: how many batches may pass between two looks; None for 1 on a CPU, where looking costs
        nothing, and 20 elsewhere, since it waits for the device. The batch that is named is always the first bad one,
        and no checkpoint is saved after it.
    """

    def __init__(self, *, every_n_batches: PositiveInt | None = None) -> None:
        self.every_n_batches = every_n_batches
        self._pending: list[tuple[Tensor, Tensor]] = []

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at the losses since the last look."""
        self._pending.append((batch["rows"], outputs["loss"].detach()))
        most = self.every_n_batches or (1 if pl_module.device.type == "cpu" else SELDOM)
        if len(self._pending) >= most or batch_idx + 1 >= trainer.num_training_batches:
            self._look(trainer)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: State) -> None:
        """Never keep weights that a bad batch has spoiled."""
        self._look(trainer)

    def _look(self, trainer: Trainer) -> None:
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        finite = torch.stack([loss for _, loss in pending]).isfinite().cpu()
        if bool(finite.all()):
            return
        first = int((~finite).nonzero()[0])
        ids = trainer.datamodule.splits.train.ids  # type: ignore[attr-defined]
        rows = ", ".join(dict.fromkeys(ids[int(row)] for row in pending[first][0].cpu()))
        raise NonFiniteLossError(
            f"the loss is {float(pending[first][1])} in epoch {trainer.current_epoch + 1}, step {trainer.global_step}; "
            f"rows of that batch: {rows}. Lower optimizer.lr, or look at these rows."
        )
