"""What a regularizer is asked in each epoch: how many copies of a batch it needs, and what they cost."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from polarity.component import Component, Progress
from polarity.tasks import IGNORE_INDEX


class Regularizer(Component, ABC):
    """A penalty on the logits of a training batch, added to the loss of each task."""

    teacher: str | None = None
    """Folder of a finished run or ensemble that is asked about the training rows once; None: nobody is."""

    @abstractmethod
    def copies(self, progress: Progress) -> int:
        """How many dropout copies of each batch the forward pass needs now."""

    @abstractmethod
    def penalty(
        self,
        logits: Sequence[Tensor],
        labels: Tensor,
        rows: Sequence[Tensor] | None,
        progress: Progress,
        teacher: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """Penalty of each task, ``[tasks]``, over its labelled rows; 0 with zero gradients if there are none.

        :param logits: ``[copies, n, classes]`` per task.
        :param labels: class indices ``[n, tasks]``, -100 where a row has no label.
        :param rows: labelled rows of the whole accumulation window per task; the batch's own if None.
        :param progress: how far training is.
        :param teacher: what the :attr:`teacher` says, if there is one: log-probabilities ``[n, classes]`` per task.
        """


def over_labelled_rows(
    pairs: Iterable[tuple[Tensor, Tensor]],
    labels: Tensor,
    rows: Sequence[Tensor] | None,
    divergence: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """Mean divergence of each task, ``[tasks]``, in float32, under autocast too.

    :param pairs: of each task, what is compared: two times logits ``[n, classes]``.
    :param labels: as ``rows``, see :meth:`Regularizer.penalty`.
    :param divergence: of each row, ``[n]``; 0 where both sides are zeros, as they are here for rows without a label.
    """
    means = []
    with torch.autocast(labels.device.type, enabled=False):
        for number, pair in enumerate(pairs):
            labelled = labels[:, number] != IGNORE_INDEX
            count = labelled.sum() if rows is None else rows[number]
            first, second = (values.float().where(labelled[:, None], 0.0) for values in pair)
            means.append(divergence(first, second).sum() / count.clamp_min(1))
    return torch.stack(means)
