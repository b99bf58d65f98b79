"""What an optimizer's settings become, once there is a model."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from polarity.tasks import Task

if TYPE_CHECKING:
    from polarity.models import MultiTaskClassifier


class Optimizer(ABC):
    """Settings of an optimizer."""

    def problems(self, tasks: Sequence[Task]) -> list[str]:
        """Settings that do not fit the tasks."""
        return []

    @abstractmethod
    def build(self, model: "MultiTaskClassifier") -> torch.optim.Optimizer:
        """The optimizer of this model's trainable parameters; each of its groups has a "name"."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"
