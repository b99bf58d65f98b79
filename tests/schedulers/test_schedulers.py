"""Properties of every schedule: warm-up, peak, last rate, all groups alike, resuming."""

import inspect
import math
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from polarity.schedulers import ConstantScheduler, CosineScheduler, LinearScheduler, PlateauScheduler, Scheduler
from tests.presets import components_of, shipped

PEAKS = [1e-3, 2e-5, 3e-7]
SCHEDULERS = [
    *shipped("scheduler", warmup_ratio=0.2),
    *shipped("scheduler", warmup_ratio=0.0),
    CosineScheduler(warmup_ratio=0.1, min_lr_ratio=0.25),
    PlateauScheduler(monitor="val/loss", mode="min", warmup_ratio=0.0),
]
every_scheduler = pytest.mark.parametrize("scheduler", SCHEDULERS)


class Run:
    """An optimizer with three groups under a schedule.

    :param steps: optimizer steps in all, ``epoch_steps`` of them in each epoch.
    """

    def __init__(self, scheduler: Scheduler, steps: int, epoch_steps: int = 10) -> None:
        groups = [{"params": [nn.Parameter(torch.ones(1))], "lr": peak} for peak in PEAKS]
        self.optimizer = torch.optim.AdamW(groups)
        self.config = scheduler.build(self.optimizer, steps)
        self.scheduler: Any = self.config["scheduler"]
        self.epoch_steps = epoch_steps
        self.taken = 0

    def factors(self) -> list[float]:
        """The rate of each group as a share of its peak."""
        return [group["lr"] / peak for group, peak in zip(self.optimizer.param_groups, PEAKS, strict=True)]

    def go(self, steps: int, scores: Iterable[float] = ()) -> list[float]:
        """Shares of the peak at each of the next steps; scores come at the ends of epochs."""
        shares, coming = [], iter(scores)
        for _ in range(steps):
            assert max(self.factors()) == pytest.approx(min(self.factors()))
            shares.append(self.factors()[0])
            self.optimizer.step()
            self.taken += 1
            if self.config["interval"] == "step":
                self.scheduler.step()
            elif self.taken % self.epoch_steps == 0:
                self.scheduler.step(next(coming, 0.0))
        return shares


@every_scheduler
@settings(max_examples=10, derandomize=True, deadline=None)
@given(steps=st.integers(5, 120))
def test_the_rate_rises_evenly_to_its_peak_and_then_never_rises(scheduler: Scheduler, steps: int) -> None:
    warmup = scheduler.warmup_steps(steps)
    assert warmup == min(round(scheduler.warmup_ratio * steps), steps - 1)
    shares = Run(scheduler, steps).go(steps)
    assert shares[: warmup + 1] == pytest.approx([step / warmup if warmup else 1.0 for step in range(warmup + 1)])
    after = shares[warmup:]
    assert all(next_one <= share + 1e-12 for share, next_one in pairwise(after))
    assert min(after) > 0


@every_scheduler
def test_it_is_a_lightning_section(scheduler: Scheduler) -> None:
    config = scheduler.build(torch.optim.AdamW([nn.Parameter(torch.ones(1))]), 10)
    assert config["interval"] in ("step", "epoch")
    assert config["frequency"] == 1
    assert ("monitor" in config) == (config["interval"] == "epoch")
    assert scheduler.problems([]) == []


@every_scheduler
@pytest.mark.parametrize("stop", [3, 12, 35])
def test_a_resumed_schedule_goes_on_as_if_never_stopped(scheduler: Scheduler, stop: int, tmp_path: Path) -> None:
    scores = [0.5, 0.6, 0.6, 0.6, 0.6, 0.6]
    straight = Run(scheduler, 60).go(60, scores)
    first = Run(scheduler, 60)
    shares = first.go(stop, scores)
    state = {"optimizer": first.optimizer.state_dict(), "scheduler": first.scheduler.state_dict()}
    torch.save(state, tmp_path / "state.pt")

    state = torch.load(tmp_path / "state.pt", weights_only=True)
    second = Run(scheduler, 60)
    second.optimizer.load_state_dict(state["optimizer"])
    second.scheduler.load_state_dict(state["scheduler"])
    second.taken = stop
    assert shares + second.go(60 - stop, scores[stop // 10 :]) == straight


@every_scheduler
def test_the_peak_stays_known(scheduler: Scheduler) -> None:
    run = Run(scheduler, 20)
    run.go(7)
    assert [group["initial_lr"] for group in run.optimizer.param_groups] == PEAKS


def last_factor(scheduler: Scheduler) -> float:
    run = Run(scheduler, 50)
    run.go(50)
    return run.factors()[0]


def test_the_last_rate_is_the_planned_one() -> None:
    assert last_factor(LinearScheduler(warmup_ratio=0.2)) == 0
    assert last_factor(CosineScheduler(warmup_ratio=0.2, min_lr_ratio=0.0)) == pytest.approx(0)
    assert last_factor(CosineScheduler(warmup_ratio=0.2, min_lr_ratio=0.25)) == pytest.approx(0.25)
    assert last_factor(ConstantScheduler(warmup_ratio=0.2)) == 1


def test_golden_shape_of_the_campaign() -> None:
    shares = Run(LinearScheduler(warmup_ratio=0.2), 100).go(100)
    assert shares[:21] == pytest.approx([step / 20 for step in range(21)])
    assert shares[20:] == pytest.approx([(100 - step) / 80 for step in range(20, 100)])


def test_cosine_formula() -> None:
    shares = Run(CosineScheduler(warmup_ratio=0.2, min_lr_ratio=0.1), 100).go(100)
    expected = [0.1 + 0.9 * (1 + math.cos(math.pi * (step - 20) / 80)) / 2 for step in range(20, 100)]
    assert shares[20:] == pytest.approx(expected)


CHANGES: dict[str, Any] = {
    "warmup_ratio": 0.4,
    "min_lr_ratio": 0.3,
    "monitor": "val/loss",
    "mode": "min",
    "factor": 0.3,
    "patience": 0,
    "min_delta": 0.05,
}


@pytest.mark.parametrize("kind", components_of("scheduler"))
def test_every_setting_has_an_effect_and_is_printed(kind: type[Scheduler]) -> None:
    def outcome(values: dict[str, Any]) -> tuple[list[float], str | None]:
        run = Run(kind(**values), 100)
        return run.go(100, [0.1, 0.9, 0.91, 0.92, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]), run.config.get("monitor")

    names = inspect.signature(kind).parameters
    base = {"monitor": "val/score", "mode": "max"} if "monitor" in names else {}
    for name in names:
        changed = {**base, name: CHANGES[name]}
        assert outcome(changed) != outcome(base), name
        assert f"{name}={CHANGES[name]!r}" in repr(kind(**changed))


@pytest.mark.parametrize("steps", [1, 2, 10])
def test_a_warm_up_leaves_a_step(steps: int) -> None:
    assert max(Run(LinearScheduler(warmup_ratio=0.99), steps).go(steps)) == 1.0
