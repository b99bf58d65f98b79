"""Cosine decay."""

from typing import Any

from torch.optim import Optimizer
from transformers import get_scheduler

from polarity.schedulers.base import Scheduler
from polarity.settings import ProperFraction


class CosineScheduler(Scheduler):
    """Half a cosine: Loshchilov and Hutter, SGDR, ICLR 2017 (arXiv 1608.03983), without restarts.

    After w warm-up steps of T in all, m + (1 - m) (1 + cos(pi (s - w) / (T - w))) / 2 of the peak at step s: m after
    the last step.

    :param warmup_ratio: share of all steps in which the rate rises from 0.
    :param min_lr_ratio: m, the last rate as a share of the peak.
    """

    def __init__(self, *, warmup_ratio: ProperFraction = 0.1, min_lr_ratio: ProperFraction = 0.0) -> None:
        super().__init__(warmup_ratio=warmup_ratio)
        self.min_lr_ratio = min_lr_ratio

    def build(self, optimizer: Optimizer, total_steps: int) -> dict[str, Any]:
        scheduler = get_scheduler(
            "cosine_with_min_lr",
            optimizer,
            self.warmup_steps(total_steps),
            total_steps,
            scheduler_specific_kwargs={"min_lr_rate": self.min_lr_ratio},
        )
        return {"scheduler": scheduler, "interval": "step", "frequency": 1}
