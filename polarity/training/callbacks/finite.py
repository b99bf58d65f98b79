"""A loss or a gradient that is not finite stops the run, with the rows that caused it."""

from typing import Any, NamedTuple, cast

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from polarity.content import State
from polarity.settings import PositiveInt
from polarity.training.module import MultiTaskModule

SCALED = "16-mixed"
"""The precision in which gradients overflow at times: such a step is left out, and the scale made smaller."""
SELDOM = 20
"""Batches between two looks where these wait for the device."""


class NonFiniteLossError(RuntimeError):
    """The training loss, or a gradient, became infinite or not a number."""


class _Batch(NamedTuple):
    """What is known of a micro-batch: the norm is that of the last step, and the step the number of those done."""

    rows: Tensor
    loss: Tensor
    norm: Tensor
    step: int


class StopOnNonFiniteLoss(Callback):
    """Stops when a micro-batch's loss, or the gradient of a step, is not finite, naming the rows of the batch.

    :param every_n_batches: how many batches may pass between two looks; None for 1 on a CPU, where looking costs
        nothing, and 20 elsewhere, since it waits for the device. The batch that is named is always the first bad one,
        and no checkpoint is saved after it.
    """

    def __init__(self, *, every_n_batches: PositiveInt | None = None) -> None:
        self.every_n_batches = every_n_batches
        self._pending: list[_Batch] = []

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at the losses since the last look."""
        loss, norm = outputs["loss"].detach(), cast("MultiTaskModule", pl_module).last_norm
        if trainer.precision == SCALED:
            norm = torch.zeros(())
        self._pending.append(_Batch(batch["rows"], loss, norm.to(loss), trainer.global_step))
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
        values = torch.stack([value for batch in pending for value in (batch.loss, batch.norm)]).cpu()
        if bool(values.isfinite().all()):
            return
        first, of_gradient = divmod(int((~values.isfinite()).nonzero()[0]), 2)
        batch, ids = pending[first], trainer.datamodule.splits.train.ids  # type: ignore[attr-defined]
        rows = ", ".join(dict.fromkeys(ids[int(row)] for row in batch.rows.cpu()))
        what = "norm of the gradient" if of_gradient else "loss"
        raise NonFiniteLossError(
            f"the {what} is {float(values[2 * first + of_gradient])} in epoch {trainer.current_epoch + 1}, step "
            f"{batch.step}; rows of that batch: {rows}. Lower optimizer.lr, or look at these rows."
        )
