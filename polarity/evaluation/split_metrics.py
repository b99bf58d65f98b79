"""Scores and losses of a split, counted while its batches go by: no logits are kept."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from torch import Tensor, nn
from torch.nn import functional as F
from torchmetrics import CatMetric
from torchmetrics.classification import MulticlassConfusionMatrix

from polarity.evaluation.metrics import Scores, scores_of
from polarity.tasks import IGNORE_INDEX, Task


class SplitMetrics(nn.Module):
    """A confusion matrix and the rows' losses for each task, as metrics of torchmetrics over all batches and devices.

    A module, so that its metrics follow the model to its device; nothing of it enters a checkpoint. Each row has to
    come once over all devices (:class:`~polarity.data.plan.EvalBatches` sees to it). On several devices all call
    :meth:`scores` and :meth:`losses` together, and all get what the whole split gives.

    :param sync: False where one process alone has seen the whole split.
    """

    def __init__(self, tasks: Sequence[Task], *, sync: bool = True) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        tables = [
            MulticlassConfusionMatrix(
                len(task.classes), ignore_index=IGNORE_INDEX, validate_args=False, sync_on_compute=sync
            )
            for task in tasks
        ]
        entropies = [CatMetric(nan_strategy="disable", sync_on_compute=sync) for _ in tasks]
        self.confusions = cast("Sequence[MulticlassConfusionMatrix]", nn.ModuleList(tables))
        self.entropies = cast("Sequence[CatMetric]", nn.ModuleList(entropies))

    def reset(self) -> None:
        """Forget what was counted."""
        for metric in (*self.confusions, *self.entropies):
            metric.reset()

    def update(self, logits: Sequence[Tensor], labels: Tensor) -> None:
        """Count a batch.

        :param logits: ``[n, classes]`` per task; the class with the largest one is decided.
        :param labels: int64 ``[n, tasks]``, ``IGNORE_INDEX`` where a row has none.
        """
        for number, values in enumerate(logits):
            target = labels[:, number]
            self.confusions[number].update(values.argmax(dim=1), target)
            entropy = F.cross_entropy(values.float(), target, ignore_index=IGNORE_INDEX, reduction="none")
            self.entropies[number].update(entropy)

    def scores(self) -> Scores:
        """Scores of the argmax decisions."""
        tables = [np.asarray(metric.compute().cpu()) for metric in self.confusions]
        return scores_of(self.tasks, len(self._entropies(0)), tables)

    def losses(self) -> dict[str, float]:
        """Plain cross-entropy per task and its mean over those with labels: one yardstick for every training loss."""
        values: dict[str, float] = {}
        for number, task in enumerate(self.tasks):
            if labelled := int(self.confusions[number].compute().sum()):
                values[f"val/{task.name}/loss"] = float(self._entropies(number).sum() / labelled)
        values["val/loss"] = float(np.mean(list(values.values())))
        return values

    def _entropies(self, task: int) -> np.ndarray:
        """Loss of each row, 0 without a label, float64 ``[rows]``: a sum of many that does not drift."""
        values = np.asarray(self.entropies[task].compute().cpu(), dtype=np.float64)
        return np.atleast_1d(values)  # torchmetrics gives a single one without a dimension
