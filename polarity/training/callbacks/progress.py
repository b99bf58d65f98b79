"""What shows that a run goes on: a bar on a terminal, above which lines are printed; a line a minute elsewhere."""

import time
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, RichProgressBar

from polarity.content import Json
from polarity.progress import SECONDS, progress_line
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory


class ProgressOnTerminal(RichProgressBar):
    """Batches of the epoch, time and speed, and the objective of a recent step."""

    def __init__(self) -> None:
        super().__init__(refresh_rate=4)  # times a second; the default of 100 keeps a whole core busy
        self._shown: Json = {}

    @property
    def sanity_check_description(self) -> str:
        """What Lightning calls so is the validation of the state before training."""
        return "epoch 0"

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> Json:
        """The objective of every so many steps only, since reading it waits for the device."""
        metrics = trainer.callback_metrics if trainer.global_step % 10 == 0 else {}
        if "step/objective" in metrics:
            self._shown = {"objective": float(metrics["step/objective"])}
        return self._shown


class ProgressInLines(Callback):
    """Prints how far a long epoch is: rows done, rows a second, and how long the rest of the epoch will take.

    :param seconds: between two lines; short epochs have none.
    """

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._rows = 0
        self._started = self._printed = time.monotonic()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to count."""
        self._rows = 0
        self._started = self._printed = time.monotonic()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Say it, if it is time."""
        self._rows += len(batch["rows"]) * trainer.world_size
        now, done, planned = time.monotonic(), batch_idx + 1, int(trainer.num_training_batches)
        if not trainer.is_global_zero or now - self._printed < self.seconds or done == planned:
            return
        self._printed = now
        data = trainer.datamodule  # type: ignore[attr-defined]
        total = data.sampler.rows_drawn
        rows = min(done * data.batch_size // data.train_batches.parts, total)
        line = progress_line(
            f"epoch {trainer.current_epoch + 1}", rows, total, "row", now - self._started, counted=self._rows
        )
        RunConsole(RunDirectory(trainer.default_root_dir).log).print(f"    {line} in this epoch")
