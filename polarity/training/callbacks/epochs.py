"""What every epoch decided on validation, so that the choice among them can be corrected for."""

import io
from typing import Any

import numpy as np
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from polarity.evaluation.inference import in_order
from polarity.files import write_bytes
from polarity.run import RunDirectory
from polarity.training.devices import gathered


class EpochDecisions(Callback):
    """Writes the argmax decisions of each validation to ``predictions/epochs/STEP.npy``, uint16 ``[rows, tasks]``.

    A resumed run writes the epochs after its resume point again, under the same names.
    """

    def __init__(self) -> None:
        self._seen: list[tuple[Tensor, Tensor]] = []

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget the last epoch's."""
        self._seen = []

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *_: Any
    ) -> None:
        """Note what the module decided."""
        self._seen.append((batch["rows"], outputs))

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the decisions that the epoch is scored by.

        :raises RuntimeError: if a row is missing or occurs twice.
        """
        own = [(rows.cpu(), decided.cpu()) for rows, decided in self._seen]
        rows, decided = zip(*(batch for part in gathered(own) for batch in part), strict=True)
        total = len(trainer.datamodule.splits.val.labels)  # type: ignore[attr-defined]
        content = io.BytesIO()
        np.save(content, in_order(rows, decided, total).astype(np.uint16), allow_pickle=False)
        if trainer.is_global_zero:
            path = RunDirectory(trainer.default_root_dir).epochs / f"{trainer.global_step:09d}.npy"
            write_bytes(path, content.getvalue())
