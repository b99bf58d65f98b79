"""What the sampler really shows the model."""

import numpy as np
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from polarity.content import Json, State
from polarity.files import write_text
from polarity.run import RunDirectory
from polarity.samplers.exposure import exposure_table
from polarity.training.callbacks.history import to_csv


class ExposureLog(Callback):
    """Logs each epoch how often every class and joint cell came up: ``exposure/...`` and ``details/exposure.csv``."""

    def __init__(self) -> None:
        self.rows: list[Json] = []

    @property
    def state_key(self) -> str:
        """One table a run."""
        return "ExposureLog"

    def state_dict(self) -> State:
        """The epochs so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: State) -> None:
        """Go on after the epochs of the resume point."""
        self.rows = list(state_dict["rows"])

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare what was shown with what was to be expected of as many rows: an epoch may end early."""
        sampler, epoch = trainer.datamodule.sampler, trainer.current_epoch  # type: ignore[attr-defined]
        done = trainer.fit_loop.epoch_loop.batch_progress.current.completed
        shown = np.concatenate(trainer.datamodule.train_batches.plan(epoch)[:done])  # type: ignore[attr-defined]
        expected = sampler.expected_exposure(len(shown))
        table = exposure_table(sampler.natural_exposure(), expected, sampler.realised_exposure(shown))
        for row in table:
            if row.kind == "class":
                name = row.name.replace("=", "/", 1)
                pl_module.log_dict({f"exposure/{name}": row.realised, f"exposure_expected/{name}": row.expected})
        if not trainer.is_global_zero:
            return
        self.rows += [{"epoch": epoch, **vars(row)} for row in table]
        write_text(RunDirectory(trainer.default_root_dir).details / "exposure.csv", to_csv(self.rows))
