"""What a scheduler's settings become, once the optimizer and the number of steps are known."""

from abc import ABC, abstractmethod
from typing import Any

from torch.optim import Optimizer

from polarity.component import Component
from polarity.settings import ProperFraction


class Scheduler(Component, ABC):
    """Settings of a learning-rate schedule. It scales the rates of all parameter groups alike.

    All begin with a warm-up: at the s-th of w warm-up steps (from 0) the rate is s / w of its peak.

    :param warmup_ratio: w as a share of all steps, rounded to whole steps, of which the last is never one.
    """

    def __init__(self, *, warmup_ratio: ProperFraction) -> None:
        self.warmup_ratio = warmup_ratio

    def warmup_steps(self, total_steps: int) -> int:
        """Whole steps of the warm-up."""
        return min(round(self.warmup_ratio * total_steps), max(0, total_steps - 1))

    @abstractmethod
    def build(self, optimizer: Optimizer, total_steps: int) -> dict[str, Any]:
        """Lightning's ``lr_scheduler`` section: the scheduler, and when it steps.

        :param total_steps: optimizer steps of the whole run.
        """
