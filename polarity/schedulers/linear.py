"""Linear decay."""

from typing import Any

from torch.optim import Optimizer
from transformers import get_scheduler

from polarity.schedulers.base import Scheduler
from polarity.settings import ProperFraction


class LinearScheduler(Scheduler):
    """After w warm-up steps of T in all, (T - s) / (T - w) of the peak at step s: 0 after the last step.

    :param warmup_ratio: share of all steps in which the rate rises from 0.
    """

    def __init__(self, *, warmup_ratio: ProperFraction = 0.1) -> None:
        super().__init__(warmup_ratio=warmup_ratio)

    def build(self, optimizer: Optimizer, total_steps: int) -> dict[str, Any]:
        scheduler = get_scheduler("linear", optimizer, self.warmup_steps(total_steps), total_steps)
        return {"scheduler": scheduler, "interval": "step", "frequency": 1}
