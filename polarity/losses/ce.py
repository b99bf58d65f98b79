"""Cross-entropy."""

from torch import Tensor
from torch.nn import functional as F

from polarity.component import Progress
from polarity.losses.base import MultiTaskLoss


class CrossEntropyLoss(MultiTaskLoss):
    """Cross-entropy with class weights and label smoothing.

    For a row of class y, with K classes and smoothing e:

        l = -sum_c w_c q_c log p_c,  q_c = (1 - e) [c = y] + e / K

    Without class weights it aims at likelihood and accuracy; with class_weights="balanced" at balanced accuracy (mean
    recall), which is near macro-F1 but not the same: rare classes tend to be over-predicted.

    The settings are those of :class:`~polarity.losses.settings.LossSettings`.
    """

    by_row = True

    def row_losses(
        self, task_number: int, logits: Tensor, target: Tensor, weights: Tensor, progress: Progress
    ) -> Tensor:
        smoothing = self.task_smoothing[task_number]
        return F.cross_entropy(logits, target, weights, reduction="none", label_smoothing=smoothing)
