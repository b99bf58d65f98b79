"""Pictures of the predictions: confusion matrices each epoch, curves of the best checkpoint."""

from collections.abc import Mapping
from pathlib import Path

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger

from polarity.evaluation.metrics import score_task
from polarity.evaluation.predictions import Predictions
from polarity.reports.figures import confusion_figure, reliability_figure
from polarity.training.module import MultiTaskModule


class ConfusionLog(Callback):
    """Draws the validation confusion matrix of each task to TensorBoard after every epoch."""

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw what the module has just scored."""
        assert isinstance(pl_module, MultiTaskModule)
        if pl_module.scores is None or not trainer.is_global_zero:
            return
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                for task in pl_module.tasks:
                    title = f"{task.name}, validation, epoch {trainer.current_epoch}"
                    figure = confusion_figure(task, pl_module.scores.tasks[task.name].confusion, title)
                    logger.experiment.add_figure(f"confusion/{task.name}", figure, trainer.global_step)


def save_figures(folder: Path, splits: Mapping[str, Predictions]) -> None:
    """Confusion matrices and reliability diagrams of every split and task, as SVG: of what was decided, calibrated."""
    for split, told in splits.items():
        for item in told.tasks:
            if not item.known.any() or item.probabilities is None:
                continue
            title = f"{item.task.name}, {split}, best checkpoint"
            labels, known = item.labels[item.known], item.known
            confusion = confusion_figure(item.task, score_task(item.task, item.labels, item.predicted).confusion, title)
            confusion.savefig(folder / f"confusion_{item.task.name}_{split}.svg")
            reliability = reliability_figure(item.probabilities[known], labels, title)
            reliability.savefig(folder / f"reliability_{item.task.name}_{split}.svg")


def log_reliability(logger: TensorBoardLogger, told: Predictions, step: int) -> None:
    """Reliability diagram of every task, on validation."""
    for item in told.tasks:
        if item.probabilities is None:
            continue
        labels, probabilities = item.labels[item.known], item.probabilities[item.known]
        figure = reliability_figure(probabilities, labels, f"{item.task.name}, validation")
        logger.experiment.add_figure(f"reliability/{item.task.name}", figure, step)
