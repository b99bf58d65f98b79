"""Reduce on plateau."""

from typing import Annotated, Any, Literal, SupportsFloat

from pydantic import Field
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from polarity.schedulers.base import Scheduler
from polarity.settings import NonNegative, NonNegativeInt, ProperFraction

Factor = Annotated[float, Field(gt=0, lt=1)]


class PlateauScheduler(Scheduler):
    """The rate falls when the monitored score stops improving.

    It is multiplied by ``factor`` whenever the score has not improved for more than ``patience`` epochs. Scores that
    come before the end of the warm-up do not count.

    :param monitor: name of the score, logged once per epoch.
    :param mode: whether "max" or "min" of it is better.
    :param warmup_ratio: share of all steps in which the rate rises from 0.
    :param factor: what the rates of all groups are multiplied by.
    :param patience: epochs without improvement that are let pass.
    :param min_delta: least improvement that counts, in units of the score.
    """

    def __init__(
        self,
        *,
        monitor: str,
        mode: Literal["max", "min"],
        warmup_ratio: ProperFraction = 0.1,
        factor: Factor = 0.5,
        patience: NonNegativeInt = 2,
        min_delta: NonNegative = 0.0,
    ) -> None:
        super().__init__(warmup_ratio=warmup_ratio)
        self.monitor = monitor
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.min_delta = min_delta

    def build(self, optimizer: Optimizer, total_steps: int) -> dict[str, Any]:
        scheduler = WarmupPlateau(
            optimizer,
            self.warmup_steps(total_steps),
            mode=self.mode,
            factor=self.factor,
            patience=self.patience,
            threshold=self.min_delta,
            threshold_mode="abs",
            eps=0.0,  # the default ignores small steps, which would freeze the low layers before the heads
        )
        return {"scheduler": scheduler, "interval": "epoch", "frequency": 1, "monitor": self.monitor}


class WarmupPlateau(ReduceLROnPlateau):
    """torch's scheduler, which steps once an epoch, with a warm-up that follows the optimizer's own steps.

    :param warmup_steps: optimizer steps until the peak rate.
    :param settings: those of :class:`torch.optim.lr_scheduler.ReduceLROnPlateau`.
    """

    def __init__(self, optimizer: Optimizer, warmup_steps: int, **settings: Any) -> None:
        super().__init__(optimizer, **settings)
        self.warmup_steps = warmup_steps
        self.steps_taken = 0
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self._warm_up()
        optimizer.register_step_post_hook(self._after_optimizer_step)

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override]  # as torch's
        if self.steps_taken >= self.warmup_steps:
            super().step(metrics, epoch)

    def _after_optimizer_step(self, *_: object) -> None:
        if self.steps_taken < self.warmup_steps:
            self.steps_taken += 1
            self._warm_up()

    def _warm_up(self) -> None:
        if self.warmup_steps:
            for group in self.optimizer.param_groups:
                group["lr"] = group["initial_lr"] * self.steps_taken / self.warmup_steps
            self._last_lr = [group["lr"] for group in self.optimizer.param_groups]
