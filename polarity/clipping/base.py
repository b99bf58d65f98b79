"""What a clipping does between the last backward pass of a window and the optimizer's step."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from torch import Tensor

from polarity.component import Component

if TYPE_CHECKING:
    from polarity.models import MultiTaskClassifier


class Clipping(Component, ABC):
    """A bound on gradient norms, applied once per optimizer step to the unscaled gradients of the whole window."""

    @abstractmethod
    def clip(self, model: "MultiTaskClassifier") -> dict[str, Tensor]:
        """Scale gradients in place; the 2-norms that they had before, by part of the model.

        The norms stay on the device: reading one makes the host wait for the backward pass. A norm that is infinite or
        NaN is returned as it is; the gradients are then no longer usable.
        """
