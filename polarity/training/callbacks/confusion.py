"""Pictures of the predictions: confusion matrices each epoch, curves of the best checkpoint."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from scipy.special import softmax

from polarity.data.rows import Rows, Splits
from polarity.evaluation.metrics import Scores
from polarity.reports.figures import confusion_figure, reliability_figure
from polarity.tasks import IGNORE_INDEX, Task
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


def save_figures(
    folder: Path,
    tasks: Sequence[Task],
    scored: Mapping[str, tuple[Rows, list[np.ndarray], Scores]],
    logits: Mapping[str, list[np.ndarray]],
) -> None:
    """Confusion matrices and reliability diagrams of every split and task, as SVG."""
    folder.mkdir(exist_ok=True)
    for split, (rows, _, scores) in scored.items():
        for number, task in enumerate(tasks):
            known = rows.labels[:, number] != IGNORE_INDEX
            if not known.any():
                continue
            title = f"{task.name}, {split}, best checkpoint"
            confusion = confusion_figure(task, scores.tasks[task.name].confusion, title)
            confusion.savefig(folder / f"confusion_{task.name}_{split}.svg")
            probabilities = softmax(logits[split][number][known].astype(np.float64), axis=1)
            reliability = reliability_figure(probabilities, rows.labels[known, number], title)
            reliability.savefig(folder / f"reliability_{task.name}_{split}.svg")


def log_best_curves(logger: TensorBoardLogger, splits: Splits, logits: Sequence[np.ndarray], step: int) -> None:
    """Precision-recall curve of every class and reliability diagram of every task, on validation."""
    for number, task in enumerate(splits.tasks):
        labels = splits.val.labels[:, number]
        known = labels != IGNORE_INDEX
        probabilities = softmax(logits[number][known].astype(np.float64), axis=1)
        for c, name in enumerate(task.classes):
            hits, chances = torch.from_numpy(labels[known] == c), torch.from_numpy(probabilities[:, c])
            logger.experiment.add_pr_curve(f"precision_recall/{task.name}/{name}", hits, chances, step)
        figure = reliability_figure(probabilities, labels[known], f"{task.name}, validation")
        logger.experiment.add_figure(f"reliability/{task.name}", figure, step)
