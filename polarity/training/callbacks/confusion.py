"""Confusion matrices of validation after every epoch, in TensorBoard."""

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger

from polarity.reports.tensorboard import confusion_markdown, last_step
from polarity.training.module import MultiTaskModule


class ConfusionLog(Callback):
    """Writes the validation confusion matrix of each task to TensorBoard, as a table, after every epoch."""

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what the module has just scored."""
        assert isinstance(pl_module, MultiTaskModule)
        if pl_module.scores is None or not trainer.is_global_zero:
            return
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                for task in pl_module.tasks:
                    table = confusion_markdown(task.classes, pl_module.scores.tasks[task.name].confusion.tolist())
                    logger.experiment.add_text(f"confusion/{task.name}", table, last_step(trainer.global_step))
