"""What a clipping does between the last backward pass of a window and the optimizer's step."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from polarity.tasks import Task

if TYPE_CHECKING:
    from polarity.models import MultiTaskClassifier


class Clipping(ABC):
    """A bound on gradient norms, applied once per optimizer step to the unscaled gradients of the whole window."""

    def problems(self, tasks: Sequence[Task]) -> list[str]:
        """Settings that do not fit the tasks."""
        return []

    @abstractmethod
    def clip(self, model: "MultiTaskClassifier") -> dict[str, Tensor]:
        """Scale gradients in place; the 2-norms that they had before, by part of the model.

        The norms stay on the device: reading one makes the host wait for the backward pass. A norm that is infinite or
        NaN is returned as it is; the gradients are then no longer usable.
        """

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"
