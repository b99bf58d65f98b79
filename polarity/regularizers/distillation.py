"""Distillation."""

from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from polarity.component import Progress
from polarity.regularizers.base import Regularizer, over_labelled_rows
from polarity.settings import Positive

Temperature = Annotated[float, Field(ge=0.1, le=100)]
"""Beyond these a float32 can no longer tell the classes apart, or tells one only."""


class Distillation(Regularizer):
    r"""Answers as another run, an ensemble say, answers the same rows.

    Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015 (arXiv 1503.02531). With the teacher's
    calibrated probabilities p and those of the model q, both at temperature T, per task

    .. math:: \text{weight} \cdot T^2 \cdot \text{mean over labelled rows of } KL(p_T \| q_T),
        \quad p_T \propto p^{1/T}

    beside the loss on the labels, which has weight 1; T² keeps the size of the gradients. Computed in float32, under
    autocast too.

    :param teacher: folder of a finished run or ensemble.
    :param temperature: above 1, what the teacher says of improbable classes counts for more.
    :param weight: of the teacher's answers beside the labels.
    """

    def __init__(self, *, teacher: str, temperature: Temperature = 2.0, weight: Positive = 1.0) -> None:
        self.teacher: str = teacher
        self.temperature, self.weight = temperature, weight

    def copies(self, progress: Progress) -> int:
        return 1

    def penalty(
        self,
        logits: Sequence[Tensor],
        labels: Tensor,
        rows: Sequence[Tensor] | None,
        progress: Progress,
        teacher: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """As of the base class; where nobody was asked, it costs nothing."""
        if teacher is None:
            return torch.zeros(len(logits), device=labels.device)
        pairs = ((said, copies[0]) for said, copies in zip(teacher, logits, strict=True))
        return self.weight * self.temperature**2 * over_labelled_rows(pairs, labels, rows, self._divergence)

    def _divergence(self, said: Tensor, own: Tensor) -> Tensor:
        log_p, log_q = (F.log_softmax(values / self.temperature, dim=-1) for values in (said, own))
        return F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(dim=-1)
