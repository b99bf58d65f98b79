"""What all losses share: masking of rows without a label, weights, and the normaliser over the accumulation window."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from polarity.errors import UserError
from polarity.losses.class_weights import Beta, ClassWeights, WeightMode, WeightRange
from polarity.settings import NonNegative, PerClass, ProperFraction
from polarity.tasks import IGNORE_INDEX, Task, by_task, per_task_problems, task_problems

Reduction = Literal["weighted_mean", "mean"]
Smoothing = ProperFraction | dict[str, ProperFraction]


class MultiTaskLoss(nn.Module, ABC):
    """One loss per task, over the rows that have a label for it.

    For task t with labelled rows i of class y_i and row losses l_i (which hold the class weight w):

        L_t = sum_i l_i / Z_t,  Z_t = sum over the window of w_{y_i}  (reduction "weighted_mean", as torch's "mean")
                                Z_t = labelled rows of the window     (reduction "mean")

    The window is all that one optimizer step sees: the sum of the losses of its micro-batches is the loss of one big
    batch. With "mean", changing class weights changes the effective learning rate too. A task without a label in the
    batch costs exactly 0, with zero gradients.

    All is computed in float32, under autocast too.

    :param smoothing: label smoothing in [0, 1), one for all or by task; the smoothed part is weighted by class, as in
        :func:`torch.nn.functional.cross_entropy`.
    :param class_weights: None, "balanced" or "effective", see :class:`~polarity.losses.class_weights.ClassWeights`.
    :param multipliers: factors of class weights, ``{task: {class: factor}}``.
    :param clip: [low, high] of the class weights, or None.
    :param effective_beta: beta of class_weights="effective"; None otherwise.
    :param task_weights: weights of the tasks in the total, ``{task: weight}``; 1 for what is not named. Not applied
        here: the training step needs the plain losses as well.
    :param reduction: what the sum over rows is divided by, see above.
    """

    task_weights: Tensor
    """``[tasks]``, a buffer, after :meth:`bind`."""

    def __init__(
        self,
        *,
        smoothing: Smoothing = 0.0,
        class_weights: WeightMode | None = None,
        multipliers: PerClass | None = None,
        clip: WeightRange | None = None,
        effective_beta: Beta | None = None,
        task_weights: dict[str, NonNegative] | None = None,
        reduction: Reduction = "weighted_mean",
    ) -> None:
        super().__init__()
        self.smoothing = smoothing
        self.weight_by_task = task_weights or {}
        self.reduction = reduction
        self.class_weights = ClassWeights(
            mode=class_weights, multipliers=multipliers or {}, clip=clip, effective_beta=effective_beta
        )
        self.settings: dict[str, object] = {
            "smoothing": smoothing,
            "class_weights": class_weights,
            "multipliers": multipliers or {},
            "clip": clip,
            "effective_beta": effective_beta,
            "task_weights": self.weight_by_task,
            "reduction": reduction,
        }

    def problems(self, tasks: Sequence[Task]) -> list[str]:
        """Settings that do not fit the tasks."""
        problems = per_task_problems("smoothing", self.smoothing, tasks)
        problems += self.class_weights.problems(tasks)
        problems += task_problems("task_weights", self.weight_by_task, tasks)
        if not any(by_task(self.weight_by_task, tasks, 1.0)):
            problems.append("task_weights: every task has weight 0, so nothing would be trained")
        return problems

    def bind(self, tasks: Sequence[Task], class_counts: Sequence[Sequence[int] | np.ndarray]) -> None:
        """Compute the weights for these tasks; call it once, before training.

        :param class_counts: labelled rows of each class in the TRAINING split, one array ``[classes]`` per task.
        :raises UserError: if settings do not fit the tasks, or a class without rows would get an infinite weight.
        """
        problems = self.problems(tasks)
        if problems:
            raise UserError(problems)
        weights = self.class_weights.compute(tasks, class_counts)
        self.task_count = len(tasks)
        self.task_smoothing = by_task(self.smoothing, tasks, 0.0)
        # Not in checkpoints: they follow from the settings and the data, which a run's folder records.
        task_weights = torch.tensor(by_task(self.weight_by_task, tasks, 1.0), dtype=torch.float32)
        self.register_buffer("task_weights", task_weights, persistent=False)
        for number, weight in enumerate(weights):
            self.register_buffer(f"weights_{number}", torch.tensor(weight, dtype=torch.float32), persistent=False)

    @property
    def weights(self) -> list[Tensor]:
        """Class weights, one ``[classes]`` per task, after :meth:`bind`."""
        return [self.get_buffer(f"weights_{number}") for number in range(self.task_count)]

    @abstractmethod
    def row_losses(self, task_number: int, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of each row, ``[n]``, with class weight and smoothing.

        :param logits: ``[n, classes]``.
        :param target: class indices ``[n]``; no row is without a label.
        """

    def forward(self, logits: Sequence[Tensor], labels: Tensor, window: Sequence[Tensor] | None = None) -> Tensor:
        """Losses of the tasks, ``[tasks]``, before task weights.

        :param logits: ``[n, classes]`` per task.
        :param labels: class indices ``[n, tasks]``, -100 where a row has no label.
        :param window: class counts ``[classes]`` per task over the labelled rows of the whole window; the batch's own
            if None.
        """
        with torch.autocast(labels.device.type, enabled=False):
            losses = [
                self._task_loss(
                    number, task_logits.float(), labels[:, number], None if window is None else window[number]
                )
                for number, task_logits in enumerate(logits)
            ]
        return torch.stack(losses)

    def _task_loss(self, number: int, logits: Tensor, labels: Tensor, counts: Tensor | None) -> Tensor:
        # Masked rather than indexed: no shape depends on the data, so a GPU never waits for the host, and a batch
        # without labels still reaches every head, with zero gradients. The mask goes in before and after, so that not
        # even a non-finite derivative of an unlabelled row can leak.
        labelled = labels != IGNORE_INDEX
        target = labels.where(labelled, 0)
        rows = self.row_losses(number, logits.where(labelled[:, None], 0.0), target).where(labelled, 0.0)
        if counts is None:
            counts = logits.new_zeros(logits.shape[1]).index_add(0, target, labelled.to(logits.dtype))
        normaliser = (counts * self.weights[number]).sum() if self.reduction == "weighted_mean" else counts.sum()
        return rows.sum() * inverse_or_zero(normaliser)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.settings.items())})"


def inverse_or_zero(normaliser: Tensor) -> Tensor:
    """1 / normaliser, and 0 where it is 0: nothing to average is no loss."""
    return torch.where(normaliser > 0, 1 / normaliser, 0.0)
