"""With callbacks=ema or swa the averaged weights are what is validated, kept, verified and exported."""

import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging
from torch import Tensor

from polarity.config.averages import refuse_idle_averages, stale_averages
from polarity.errors import HopelessError, UserError
from polarity.models.saving import load_model
from polarity.train import check
from polarity.training.callbacks.averaging import StochasticWeightAveraging
from tests import command
from tests.running import overrides, train
from tests.trials import assembled, plain_trainer

SWA = ("callbacks=swa", "callbacks.swa.share=1.0", "trainer.max_epochs=1")


@pytest.mark.slow
@pytest.mark.parametrize("settings", [("callbacks=ema", "callbacks.ema.decay=0.9", "trainer.max_epochs=1"), SWA])
def test_the_exported_weights_are_the_averages(settings: tuple[str, ...], tmp_path: Path) -> None:
    settings = (*settings, "trainer.log_every_n_steps=1")
    run = train(tmp_path, *settings, rows=90)  # it has verified that the weights give the score that was monitored
    (path,) = run.checkpoints.glob("epoch=*.ckpt")
    checkpoint = torch.load(path, weights_only=True)
    averaged, last = checkpoint["state_dict"], checkpoint["current_model_state"]
    exported = load_model(run.model)[0].state_dict()
    assert any(not torch.equal(values, last[name]) for name, values in averaged.items())
    assert all(torch.equal(values, averaged[f"model.{name}"]) for name, values in exported.items())


class Watch(Callback):
    """The weights after each step, and those that each validation sees; stands before and behind the average."""

    def __init__(self, save_at: int, path: Path) -> None:
        self.steps: list[Tensor] = []
        self.validated: list[Tensor] = []
        self.save_at, self.path = save_at, path

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self.steps.append(weights_of(pl_module))
        if trainer.global_step == self.save_at:
            trainer.save_checkpoint(self.path)

    def on_validation_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any, **__: Any) -> None:
        self.validated.append(weights_of(pl_module))


def weights_of(module: LightningModule) -> Tensor:
    return torch.cat([values.detach().flatten().clone() for values in module.parameters()])


def watched(folder: Path, share: float, save_at: int = 0, resume: Path | None = None) -> tuple[Watch, Tensor]:
    """Three epochs of five steps; also the weights that they come to."""
    run = assembled(folder, "batching.batch_size=24", "data.split.val=0.2", "data.split.test=0")
    watch = Watch(save_at, folder / "point.ckpt")
    trainer = plain_trainer(max_epochs=3, callbacks=[StochasticWeightAveraging(share=share), watch])
    trainer.fit(run.module, datamodule=run.data, ckpt_path=resume, weights_only=False)
    return watch, weights_of(run.module)


def mean(steps: list[Tensor]) -> Tensor:
    return torch.stack(steps).double().mean(dim=0).float()


@pytest.mark.parametrize(("share", "averaged"), [(0.4, 6), (0.8, 12), (0.01, 1), (1.0, 15)])
def test_the_mean_is_that_of_the_weights_after_the_last_steps(share: float, averaged: int, tmp_path: Path) -> None:
    watch, end = watched(tmp_path, share)
    assert len(watch.steps) == 15
    assert torch.allclose(end, mean(watch.steps[-averaged:]), atol=1e-6)
    before = 15 - averaged
    for seen, step in zip(watch.validated, (5, 10, 15), strict=True):
        assert torch.allclose(
            seen, mean(watch.steps[before:step]) if step > before else watch.steps[step - 1], atol=1e-6
        )


@pytest.mark.parametrize("at", [4, 12])
def test_it_goes_on_from_a_checkpoint(at: int, tmp_path: Path) -> None:
    first, _ = watched(tmp_path, 0.4, save_at=at)
    second, end = watched(tmp_path, 0.4, resume=first.path)
    assert len(second.steps) == 15 - at
    assert torch.allclose(end, mean([*first.steps[:at], *second.steps][-6:]), atol=1e-6)


@pytest.mark.parametrize("decay", ["0", "1.0", "2"])
def test_an_average_that_would_never_change_or_be_the_weights_themselves_is_refused(decay: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"callbacks\.ema\.decay: "):
        check(overrides(tmp_path, "callbacks=ema", f"callbacks.ema.decay={decay}"))


@pytest.mark.slow
def test_an_average_needs_more_than_one_update(tmp_path: Path) -> None:
    command.run(
        "train", *overrides(tmp_path, "callbacks=ema", "callbacks.ema.update_every_n_steps=19"), folder=tmp_path
    )
    said = command.run(
        "train", *overrides(tmp_path, "callbacks=ema", "callbacks.ema.update_every_n_steps=20"), folder=tmp_path, code=2
    )
    assert "the average would be the weights after step 1 alone" in " ".join(said.split())
    assert len(list((tmp_path / "outputs").glob("2*"))) == 1, "nothing was made for what would end alike"
    said = command.run(
        *("train", *overrides(tmp_path, "callbacks=ema", "callbacks.ema.update_every_n_steps=20")),
        "trainer.max_steps=20", folder=tmp_path, code=1,
    )  # fmt: skip
    assert "the average would be the weights after step 1 alone" in " ".join(said.split())
    assert "go on with" not in said, "it would end alike"


def callbacks(**settings: Any) -> dict[str, Any]:
    return {"callbacks": {"ema": {"_target_": "lightning.pytorch.callbacks.EMAWeightAveraging", **settings}}}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"update_every_n_steps": 20}, "update_every_n_steps=20"),
        ({"update_starting_at_step": 20}, "update_starting_at_step=20"),
        ({"update_starting_at_epoch": 4}, "update_starting_at_epoch=4"),
        ({"update_every_n_steps": 0}, "update_every_n_steps=0"),
    ],
)
def test_an_average_that_never_begins_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(HopelessError, match=rf"callbacks\.ema\.{said}"):
        refuse_idle_averages(callbacks(**settings), steps=20, epochs=4)
    steps_before = 2 if "update_starting_at_step" in settings else 1  # one update, after the last step, changes nothing
    possible = callbacks(**{name: abs(value - steps_before) for name, value in settings.items()})
    refuse_idle_averages(possible, steps=20, epochs=4)
    once_an_epoch = callbacks(update_every_n_steps=0, update_starting_at_epoch=1)
    refuse_idle_averages(once_an_epoch, steps=20, epochs=4)
    assert stale_averages(once_an_epoch, steps=20) == []


@pytest.mark.parametrize("steps", [1, 2, 9, 10, 20])
@pytest.mark.parametrize("start", [0, 1, 6, 7, 12])
@pytest.mark.parametrize("every", [1, 3, 6])
def test_updates_are_counted_as_lightning_makes_them(every: int, start: int, steps: int) -> None:
    settings = {"update_every_n_steps": every, "update_starting_at_step": start}
    updates = sum(EMAWeightAveraging(**settings).should_update(step_idx=step) for step in range(steps))
    idle = updates == 0 or (updates == 1 < steps and (every > 1 or start > 0))
    with pytest.raises(HopelessError) if idle else nullcontext():
        refuse_idle_averages(callbacks(**settings), steps=steps, epochs=1)
    said = stale_averages(callbacks(decay=0.999999, **settings), steps)
    assert [f"this run has {updates} updates" in line for line in said] == [True] * (updates > 1)


def test_a_mean_of_one_step_is_refused() -> None:
    """It is the weights after the last step, as without it."""
    swa = {"_target_": "polarity.training.callbacks.averaging.StochasticWeightAveraging"}
    for share, steps in ((0.06, 20), (1.0, 1)):  # a look at one batch has but one step
        refuse_idle_averages({"callbacks": {"swa": {**swa, "share": share}}}, steps=steps, epochs=4)
    for share, steps in ((0.05, 20), (0.5, 2)):
        with pytest.raises(HopelessError, match=rf"callbacks\.swa\.share={share:g}, and this run has {steps} step"):
            refuse_idle_averages({"callbacks": {"swa": {**swa, "share": share}}}, steps=steps, epochs=4)


@pytest.mark.parametrize(
    ("decay", "steps", "every", "told"), [(0.999, 72, 1, 0.93), (0.9, 72, 1, 0), (0.9, 72, 9, 0.48)]
)
def test_an_average_of_weights_from_before_training_is_told(decay: float, steps: int, every: int, told: float) -> None:
    said = stale_averages(callbacks(decay=decay, update_every_n_steps=every), steps)
    assert len(said) == (told > 0)
    assert all(f"callbacks.ema.decay={decay:g} keeps {told:.0%} of" in line for line in said)


@pytest.mark.parametrize("steps", [2, 3, 5, 20, 72, 3_000, 100_000])
def test_the_decay_that_is_advised_keeps_what_is_said(steps: int) -> None:
    (said,) = stale_averages(callbacks(decay=0.999999), steps)
    found = re.search(r"; (\S+) keeps about 5%", said)
    assert found is not None
    assert 0.02 <= float(found[1]) ** (steps - 1) <= 0.1
    assert stale_averages(callbacks(decay=float(found[1])), steps) == []


@pytest.mark.slow
def test_a_short_run_is_told_what_it_does_not_reach(tmp_path: Path) -> None:
    """Few steps for the average, and none for R-Drop, which waits for the third epoch."""
    short = ("callbacks=ema", "regularizer=rdrop", "model.dropout=0.1", "trainer.max_epochs=9", "trainer.max_steps=3")
    said = command.run("train", *overrides(tmp_path, *short), folder=tmp_path)
    told = " ".join(said.split())
    assert "warning: callbacks.ema.decay=0.999 keeps 100% of the weights" in told
    assert "warning: regularizer.warmup_epochs: the regulariser would never start in 1 epoch of training" in told
