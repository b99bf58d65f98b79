"""What an optimizer's settings become, once there is a model."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import torch

from polarity.component import Component

if TYPE_CHECKING:
    from polarity.models import MultiTaskClassifier


class Optimizer(Component, ABC):
    """Settings of an optimizer."""

    @abstractmethod
    def build(self, model: "MultiTaskClassifier") -> torch.optim.Optimizer:
        """The optimizer of this model's trainable parameters; each of its groups has a "name"."""
