"""What a regularizer is asked in each epoch: how many copies of a batch it needs, and what they cost."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor

from polarity.component import Component, Progress


class Regularizer(Component, ABC):
    """A penalty on the logits of a training batch, added to the loss of each task."""

    @abstractmethod
    def copies(self, progress: Progress) -> int:
        """How many dropout copies of each batch the forward pass needs now."""

    @abstractmethod
    def penalty(
        self, logits: Sequence[Tensor], labels: Tensor, rows: Sequence[Tensor] | None, progress: Progress
    ) -> Tensor:
        """Penalty of each task, ``[tasks]``, over its labelled rows; 0 with zero gradients if there are none.

        :param logits: ``[copies, n, classes]`` per task.
        :param labels: class indices ``[n, tasks]``, -100 where a row has no label.
        :param rows: labelled rows of the whole accumulation window per task; the batch's own if None.
        :param progress: how far training is.
        """
