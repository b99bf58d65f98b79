"""Reduce on plateau, with a warm-up that follows the optimizer's own steps."""

import pytest
import torch
from torch import nn

from polarity.schedulers import PlateauScheduler

STEPS, PER_EPOCH = 60, 10


def shares(scheduler: PlateauScheduler, scores: list[float], peaks: tuple[float, ...] = (1e-3,)) -> list[list[float]]:
    """Rates as shares of the peaks in the first step of each epoch."""
    optimizer = torch.optim.AdamW([{"params": [nn.Parameter(torch.ones(1))], "lr": peak} for peak in peaks])
    plateau = scheduler.build(optimizer, STEPS)["scheduler"]
    shown = []
    for score in scores:
        shown.append([group["lr"] / peak for group, peak in zip(optimizer.param_groups, peaks, strict=True)])
        for _ in range(PER_EPOCH):
            optimizer.step()
        plateau.step(torch.tensor(score))
    return shown


def test_the_rate_falls_after_more_than_patience_epochs_without_improvement() -> None:
    scheduler = PlateauScheduler(monitor="s", mode="max", warmup_ratio=0.0, factor=0.5, patience=1)
    scores = [0.5, 0.6, 0.6, 0.5, 0.7, 0.7, 0.7, 0.7]
    assert [share for [share] in shares(scheduler, scores)] == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_min_means_that_less_is_better() -> None:
    scheduler = PlateauScheduler(monitor="s", mode="min", warmup_ratio=0.0, factor=0.5, patience=0)
    assert [share for [share] in shares(scheduler, [0.6, 0.5, 0.4, 0.5, 0.4])] == [1, 1, 1, 1, 0.5]


def test_scores_of_the_warm_up_do_not_count() -> None:
    scheduler = PlateauScheduler(monitor="s", mode="max", warmup_ratio=0.5, factor=0.5, patience=0)
    assert [share for [share] in shares(scheduler, [0.9, 0.8, 0.7, 0.6, 0.7])] == pytest.approx(
        [0, 1 / 3, 2 / 3, 1, 0.5]
    )


def test_tiny_rates_of_low_layers_fall_with_the_others() -> None:
    # torch's default leaves a change below 1e-8 out, so that the low layers would stay behind
    scheduler = PlateauScheduler(monitor="s", mode="max", warmup_ratio=0.0, factor=0.5, patience=0)
    assert shares(scheduler, [0.5, 0.5, 0.5], peaks=(1e-3, 1e-9))[-1] == [0.5, 0.5]
