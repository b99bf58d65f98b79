"""Distillation."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from polarity.component import Progress
from polarity.regularizers.base import Regularizer
from polarity.settings import Positive
from polarity.tasks import IGNORE_INDEX


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

    def __init__(self, *, teacher: str, temperature: Positive = 2.0, weight: Positive = 1.0) -> None:
        self.teacher, self.temperature, self.weight = teacher, temperature, weight

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
        """As of the base class.

        :param teacher: log-probabilities ``[n, classes]`` per task; None: nobody was asked, and it costs nothing.
        """
        if teacher is None:
            return torch.zeros(len(logits), device=labels.device)
        penalties = []
        with torch.autocast(labels.device.type, enabled=False):
            for number, (copies, said) in enumerate(zip(logits, teacher, strict=True)):
                labelled = labels[:, number] != IGNORE_INDEX
                count = labelled.sum() if rows is None else rows[number]
                # rows without a label are all zeros on both sides here and cost nothing
                own, its = (values.float().where(labelled[:, None], 0.0) for values in (copies[0], said))
                log_p, log_q = (F.log_softmax(values / self.temperature, dim=-1) for values in (its, own))
                divergence = F.kl_div(log_q, log_p, reduction="sum", log_target=True)
                penalties.append(divergence / count.clamp_min(1))
        return self.weight * self.temperature**2 * torch.stack(penalties)
