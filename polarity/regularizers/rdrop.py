"""R-Drop."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from polarity.component import Context, Progress
from polarity.errors import UserError
from polarity.regularizers.base import Regularizer, over_labelled_rows
from polarity.settings import NonNegative, NonNegativeInt, PositiveInt
from polarity.wording import times


class RDrop(Regularizer):
    """Two dropout copies of a row should agree.

    Wu et al., R-Drop: Regularized Dropout for Neural Networks, NeurIPS 2021 (arXiv 2106.14448). With the class
    distributions p and q of the copies, per task

        alpha * ramp * mean over labelled rows of 1/2 (KL(p || q) + KL(q || p))

        ramp = min(1, (epoch - warmup_epochs + 1) / ramp_epochs)

    During the warm-up a batch is not doubled, which halves its cost. Computed in float32, under autocast too.

    :param alpha: weight of the penalty beside the loss.
    :param warmup_epochs: epochs without it.
    :param ramp_epochs: epochs over which it grows to its full weight after the warm-up; 1 for at once.
    """

    def __init__(
        self, *, alpha: NonNegative = 0.6, warmup_epochs: NonNegativeInt = 2, ramp_epochs: PositiveInt = 2
    ) -> None:
        if alpha == 0:
            raise UserError("alpha: 0 would double every batch for nothing; choose regularizer=none")
        self.alpha = alpha
        self.warmup_epochs = warmup_epochs
        self.ramp_epochs = ramp_epochs

    def conflicts(self, context: Context) -> list[str]:
        problems = []
        if context.epochs is not None and self.warmup_epochs >= context.epochs:
            never = f"the regulariser would never start in {times(context.epochs, 'epoch')} of training"
            problems.append(f"warmup_epochs: {never}; lower it, or use regularizer=none")
        if context.dropout is False:
            problems.append(": has no effect, since every dropout is 0; use regularizer=none")
        return problems

    def copies(self, progress: Progress) -> int:
        return 1 if progress.epoch < self.warmup_epochs else 2

    def ramp(self, epoch: int) -> float:
        """Share of alpha in this epoch: 0 in the warm-up, then up to 1."""
        return min(1.0, max(0, epoch - self.warmup_epochs + 1) / self.ramp_epochs)

    def penalty(
        self,
        logits: Sequence[Tensor],
        labels: Tensor,
        rows: Sequence[Tensor] | None,
        progress: Progress,
        teacher: Sequence[Tensor] | None = None,
    ) -> Tensor:
        if self.copies(progress) == 1:
            return torch.zeros(len(logits), device=labels.device)
        pairs = ((first, second) for first, second in logits)
        return self.alpha * self.ramp(progress.epoch) * over_labelled_rows(pairs, labels, rows, symmetric_kl)


def symmetric_kl(first: Tensor, second: Tensor) -> Tensor:
    """1/2 (KL(p || q) + KL(q || p)) of each row, from logits ``[n, classes]``."""
    log_p, log_q = F.log_softmax(first, dim=-1), F.log_softmax(second, dim=-1)
    return 0.5 * ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(dim=-1)
