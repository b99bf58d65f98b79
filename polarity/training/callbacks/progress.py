"""The bar that a terminal shows while a run goes on; its lines are printed above it."""

from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar


class ProgressOnTerminal(RichProgressBar):
    """Batches of the epoch, time and speed, and the objective of a recent step."""

    def __init__(self) -> None:
        super().__init__(refresh_rate=4)  # times a second; the default of 100 keeps a whole core busy
        self._shown: dict[str, Any] = {}

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        """The loss of every so many steps only, since reading it waits for the device."""
        metrics = trainer.callback_metrics if trainer.global_step % 10 == 0 else {}
        if "step/objective" in metrics:
            self._shown = {"objective": float(metrics["step/objective"])}
        return self._shown
