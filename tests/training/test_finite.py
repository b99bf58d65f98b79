"""A loss that is not a number ends the run at once, and names the rows."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from polarity.clipping import NormClipping
from polarity.run import RunDirectory
from polarity.training.callbacks.finite import NonFiniteLossError, StopOnNonFiniteLoss
from polarity.training.run import start_run
from tests.misfortune import misfortune
from tests.running import composed, overrides
from tests.sameness import state


def spoiled(folder: Path, *more: str) -> RunDirectory:
    """A run whose weights stop being numbers at the fifth batch of the second epoch."""
    arguments = overrides(folder, misfortune(folder, epoch=1, batch=4, kind="spoil"), *more)
    with pytest.raises(SystemExit) as stop:
        start_run(composed(*arguments), arguments, keep_going=False)
    assert stop.value.code == 1
    (path,) = (folder / "outputs").glob("2*")
    return RunDirectory.open(path)


def seen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The rows of every training batch, in order."""
    from polarity.training.module import MultiTaskModule

    batches: list[set[str]] = []
    step = MultiTaskModule.training_step

    def watched(self: Any, batch: Any, batch_idx: int) -> Any:
        batches.append({self.trainer.datamodule.splits.train.ids[row] for row in batch["rows"]})
        return step(self, batch, batch_idx)

    monkeypatch.setattr(MultiTaskModule, "training_step", watched)
    return batches


@pytest.mark.parametrize("every", [1, 4])
def test_the_rows_of_the_first_bad_batch_are_named(every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = seen(tmp_path, monkeypatch)
    run = spoiled(tmp_path, f"callbacks.finite.every_n_batches={every}")
    error = run.status["error"]
    assert run.status["state"] == "failed"
    assert "NonFiniteLossError" in run.status["traceback"]
    assert "the loss is nan in epoch 2, step 15;" in error
    named = error.partition("rows of that batch: ")[2].partition(". ")[0]
    assert set(named.split(", ")) == batches[10 + 4]
    assert len(batches) == 10 + (5 if every == 1 else 8)


@pytest.mark.parametrize("step", [3, 10])
def test_so_are_those_of_a_gradient_that_is_not_finite(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clipping would make weights of it that are no numbers, and another batch would be blamed, or none."""
    batches, clip, steps = seen(tmp_path, monkeypatch), NormClipping.clip, list[int]()

    def overflowing(self: NormClipping, model: torch.nn.Module) -> dict[str, torch.Tensor]:
        steps.append(len(steps) + 1)
        if steps[-1] == step:
            next(weight for weight in model.parameters() if weight.grad is not None).grad.flatten()[0] = torch.inf  # type: ignore[union-attr]
        return clip(self, model)

    monkeypatch.setattr(NormClipping, "clip", overflowing)
    arguments = overrides(tmp_path, "trainer.max_epochs=1")
    with pytest.raises(SystemExit):
        start_run(composed(*arguments), arguments, keep_going=False)
    (path,) = (tmp_path / "outputs").glob("2*")
    error = RunDirectory.open(path).status["error"]
    assert f"the norm of the gradient is inf in epoch 1, step {step}; rows of that batch: " in error
    assert set(error.partition("batch: ")[2].partition(". ")[0].split(", ")) == batches[step - 1]


def test_a_gpu_is_not_waited_for_at_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    monkeypatch.setattr(StopOnNonFiniteLoss, "_look", lambda self, _: looks.append(len(self._pending)))
    trainer: Any = SimpleNamespace(num_training_batches=10**6, global_step=1, precision="32-true")
    for device, most in (("cpu", 1), ("meta", 20)):
        callback, module = (
            StopOnNonFiniteLoss(),
            SimpleNamespace(device=torch.device(device), last_norm=torch.tensor(1.0)),
        )
        for number in range(most):
            assert not looks
            batch, outputs = {"rows": torch.arange(2)}, {"loss": torch.tensor(1.0)}
            callback.on_train_batch_end(trainer, cast("Any", module), outputs, batch, number)
        assert looks == [most]
        looks.clear()


@pytest.mark.parametrize(("precision", "stops"), [("16-mixed", False), ("bf16-mixed", True), ("32-true", True)])
def test_where_a_scale_is_found_out_gradients_may_overflow(precision: str, stops: bool) -> None:
    splits = SimpleNamespace(train=SimpleNamespace(ids=["a", "b"]))
    about = {"global_step": 1, "precision": precision, "current_epoch": 0}
    trainer: Any = SimpleNamespace(num_training_batches=9, datamodule=SimpleNamespace(splits=splits), **about)
    module: Any = SimpleNamespace(device=torch.device("cpu"), last_norm=torch.tensor(torch.inf))
    batch, outputs = {"rows": torch.arange(2)}, {"loss": torch.tensor(1.0)}
    with pytest.raises(NonFiniteLossError, match="norm of the gradient is inf") if stops else nullcontext():
        StopOnNonFiniteLoss().on_train_batch_end(trainer, module, outputs, batch, 0)


def test_no_resume_point_is_saved_after_it(tmp_path: Path) -> None:
    run = spoiled(tmp_path, "callbacks.finite.every_n_batches=1000", "callbacks.resume.minutes=0")
    weights = state(run)["state_dict"]
    assert all(bool(torch.isfinite(values).all()) for values in weights.values())
