"""Focal loss."""

from collections.abc import Sequence
from typing import ClassVar, Unpack

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from polarity.component import Progress
from polarity.losses.base import MultiTaskLoss
from polarity.losses.settings import DEFAULTS, LossSettings
from polarity.settings import PerTask
from polarity.tasks import Task, by_task, per_task_problems


class FocalLoss(MultiTaskLoss):
    """Cross-entropy that fades for what is already right.

    Lin et al., Focal Loss for Dense Object Detection, ICCV 2017 (arXiv 1708.02002). For a row of class y, with K
    classes and smoothing e:

        l = -sum_c w_c q_c (1 - p_c)^gamma log p_c,  q_c = (1 - e) [c = y] + e / K

    Each term of the smoothed cross-entropy has its own factor, so that smoothing keeps its pull on confident rows;
    with gamma 0 it is :class:`~polarity.losses.ce.CrossEntropyLoss`, with e = 0 the paper's loss with alpha = w.

    It aims at hard rows; class weights decide whether those of rare classes count more. Its probabilities are too low
    where a model is right: calibrate them before use.

    :param gamma: focusing exponent, one for all or by task. The other settings are those of
        :class:`~polarity.losses.settings.LossSettings`.
    """

    defaults: ClassVar[LossSettings] = {**DEFAULTS, "class_weights": "balanced", "clip": [0.1, 10.0]}
    by_row = True

    def __init__(self, *, gamma: PerTask = 2.0, **shared: Unpack[LossSettings]) -> None:
        super().__init__(**shared)
        self.gamma = gamma

    def problems(self, tasks: Sequence[Task]) -> list[str]:
        return per_task_problems("gamma", self.gamma, tasks) + super().problems(tasks)

    def bind(self, tasks: Sequence[Task], class_counts: Sequence[Sequence[int] | np.ndarray]) -> None:
        super().bind(tasks, class_counts)
        self.task_gamma = by_task(self.gamma, tasks, 0.0)

    def row_losses(
        self, task_number: int, logits: Tensor, target: Tensor, weights: Tensor, progress: Progress
    ) -> Tensor:
        smoothing = self.task_smoothing[task_number]
        log_p = F.log_softmax(logits, dim=-1)
        # 1 - p, where p rounds to 1 kept at the resolution of the type: below it the derivative of a power under 1 is
        # infinite, while that of the whole term is 0.
        miss = (-torch.expm1(log_p)).clamp_min(torch.finfo(log_p.dtype).eps)
        terms = -weights * miss ** self.task_gamma[task_number] * log_p
        hit = terms.gather(1, target[:, None]).squeeze(1)
        return (1 - smoothing) * hit + smoothing * terms.mean(dim=1)
