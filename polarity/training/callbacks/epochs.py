"""What every epoch decided on validation, so that the choice among them can be corrected for."""

import io

import numpy as np
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from polarity.files import write_bytes
from polarity.run import RunDirectory
from polarity.training.module import MultiTaskModule


class EpochDecisions(Callback):
    """Writes the argmax decisions of each validation to ``predictions/epochs/STEP.npy``, uint16 ``[rows, tasks]``.

    A resumed run writes the epochs after its resume point again, under the same names.
    """

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the decisions that the epoch is scored by."""
        if trainer.sanity_checking or not trainer.is_global_zero or not isinstance(pl_module, MultiTaskModule):
            return
        decided = np.stack([logits.argmax(axis=1) for logits in pl_module.logits], axis=1).astype(np.uint16)
        content = io.BytesIO()
        np.save(content, decided, allow_pickle=False)
        path = RunDirectory(trainer.default_root_dir).epochs / f"{trainer.global_step:09d}.npy"
        write_bytes(path, content.getvalue())
