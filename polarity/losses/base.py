"""What all losses share: masking of rows without a label, weights, and the normaliser over the accumulation window."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Unpack

import numpy as np
import torch
from torch import Tensor, nn

from polarity.component import Component, Progress
from polarity.errors import UserError
from polarity.losses.class_weights import ClassWeights
from polarity.losses.settings import DEFAULTS, LossSettings
from polarity.signature import signature_of
from polarity.tasks import IGNORE_INDEX, Task, by_task, per_task_problems, task_problems

START = Progress()


class MultiTaskLoss(Component, nn.Module, ABC):
    """One loss per task, over the rows that have a label for it.

    For task t with labelled rows i of class y_i and row losses l_i (which hold the class weight w):

        L_t = sum_i l_i / Z_t,  Z_t = sum over the window of w_{y_i}  (reduction "weighted_mean", as torch's "mean")
                                Z_t = labelled rows of the window     (reduction "mean")

    The window is all that one optimizer step sees: the sum of the losses of its micro-batches is the loss of one big
    batch. With "mean", changing class weights changes the effective learning rate too. A task without a label in the
    batch costs exactly 0, with zero gradients.

    All is computed in float32, under autocast too.

    The settings are those of :class:`~polarity.losses.settings.LossSettings`.
    """

    defaults: ClassVar[LossSettings] = DEFAULTS
    """Of the shared settings; a loss may have others."""

    by_row: ClassVar[bool] = False
    """Whether the loss of a row depends on that row alone, so that rows without a label may stand beside it."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "row_losses" in vars(cls) and "by_row" not in vars(cls):
            cls.by_row = False  # another formula, of which it is not known

    task_weights: Tensor
    """``[tasks]``, a buffer, after :meth:`bind`."""

    def __init__(self, **shared: Unpack[LossSettings]) -> None:
        super().__init__()
        self.shared: LossSettings = {**self.defaults, **shared}
        self.smoothing = self.shared["smoothing"]
        self.weight_by_task = self.shared["task_weights"] or {}
        self.reduction = self.shared["reduction"]
        self.class_weights = ClassWeights(
            mode=self.shared["class_weights"],
            multipliers=self.shared["multipliers"] or {},
            clip=self.shared["clip"],
            effective_beta=self.shared["effective_beta"],
        )

    @property
    def settings(self) -> dict[str, object]:
        """The arguments that make an equal object: those of its own, which are attributes, and the shared ones."""
        own = [name for name in signature_of(type(self)).settings if name not in self.shared]
        empty = {"multipliers": self.class_weights.multipliers, "task_weights": self.weight_by_task}
        return {name: getattr(self, name) for name in own if hasattr(self, name)} | {**self.shared, **empty}

    def problems(self, tasks: Sequence[Task]) -> list[str]:
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

    def weights_at(self, progress: Progress) -> list[Tensor]:
        """The class weights that count now, one ``[classes]`` per task: the same all the time, unless a loss differs.

        What :meth:`row_losses` is given, and what the normaliser is the sum of.
        """
        return self.weights

    @abstractmethod
    def row_losses(
        self, task_number: int, logits: Tensor, target: Tensor, weights: Tensor, progress: Progress
    ) -> Tensor:
        """Loss of each row, ``[n]``, with class weight and smoothing.

        Rows without a label are left out before, or, of a loss that says ``by_row``, masked before and after: with
        logits of 0, as rows of class 0.

        :param logits: ``[n, classes]``.
        :param target: class indices ``[n]``.
        :param weights: class weights ``[classes]``.
        :param progress: how far training is.
        """

    def forward(
        self,
        logits: Sequence[Tensor],
        labels: Tensor,
        window: Sequence[Tensor] | None = None,
        progress: Progress = START,
    ) -> Tensor:
        """Losses of the tasks, ``[tasks]``, before task weights.

        :param logits: ``[n, classes]`` per task.
        :param labels: class indices ``[n, tasks]``, -100 where a row has no label.
        :param window: class counts ``[classes]`` per task over the labelled rows of the whole window; the batch's own
            if None.
        """
        with torch.autocast(labels.device.type, enabled=False):
            weights = self.weights_at(progress)
            losses = [
                self._task_loss(number, logits[number].float(), labels[:, number], weight, window, progress)
                for number, weight in enumerate(weights)
            ]
        return torch.stack(losses)

    def _task_loss(
        self,
        number: int,
        logits: Tensor,
        labels: Tensor,
        weights: Tensor,
        window: Sequence[Tensor] | None,
        progress: Progress,
    ) -> Tensor:
        # Masked rather than indexed, where a loss allows it: no shape depends on the data, so a GPU never waits for the
        # host, and a batch without labels still reaches every head, with zero gradients. The mask goes in before and
        # after, so that not even a non-finite derivative of an unlabelled row can leak.
        labelled = labels != IGNORE_INDEX
        target = labels.where(labelled, 0)
        if self.by_row:
            given, wanted = logits.where(labelled[:, None], 0.0), target
        else:
            given, wanted = logits[labelled], target[labelled]
        # without any row there is nothing to ask, but heads still get their zero gradients
        rows = self.row_losses(number, given, wanted, weights, progress) if len(wanted) else given.sum(dim=1)
        if rows.shape != wanted.shape:
            raise ValueError(
                f"{type(self).__name__}.row_losses has to give a loss for each row, {list(wanted.shape)}; it has given "
                f"{list(rows.shape)}"
            )
        if self.by_row:
            rows = rows.where(labelled, 0.0)
        if window is None:
            counts = logits.new_zeros(logits.shape[1]).index_add(0, target, labelled.to(logits.dtype))
        else:
            counts = window[number]
        normaliser = (counts * weights).sum() if self.reduction == "weighted_mean" else counts.sum()
        return rows.sum() * inverse_or_zero(normaliser)


def inverse_or_zero(normaliser: Tensor) -> Tensor:
    """1 / normaliser, and 0 where it is 0: nothing to average is no loss."""
    return torch.where(normaliser > 0, 1 / normaliser, 0.0)
