"""A run that was stopped anywhere and resumed ends like one that was never stopped, bit for bit."""

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import Callback

from polarity.run import RunDirectory
from polarity.runs.saved import read_metrics
from polarity.training import run as training_run
from polarity.training.callbacks.resume import ResumePoint
from tests.running import composed, overrides, train
from tests.sameness import assert_same_runs

HARD = (
    "trainer.max_epochs=3",
    "batching.accumulate=3",
    "regularizer=rdrop",
    "regularizer.warmup_epochs=1",
    "sampler=joint",
    "model.encoder_dropout=0.2",
    "callbacks.resume.minutes=0",
    "callbacks.early_stopping.patience=2",
    "callbacks.best.save_top_k=2",
)


class Crash(Callback):
    """Ends the process's training at one batch, as a kill would: nothing is saved on the way out."""

    def __init__(self, at: tuple[int, int]) -> None:
        self.at = at

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if (trainer.current_epoch, batch_idx) == self.at:
            raise ConnectionAbortedError("power failure")


def interrupted(
    folder: Path, at: tuple[int, int], monkeypatch: pytest.MonkeyPatch, *more: str, without: tuple[str, ...] = ()
) -> RunDirectory:
    """Start a run, let it crash, resume it, and return its folder."""
    arguments = [text for text in overrides(folder, *more) if not text.startswith(without)]
    build = training_run.build_callbacks
    with monkeypatch.context() as patch:
        patch.setattr(training_run, "build_callbacks", lambda config: {**build(config), "crash": Crash(at)})
        with pytest.raises(SystemExit) as stop:
            training_run.start_run(composed(*arguments), arguments, keep_going=False)
    assert stop.value.code == 1
    stopped = RunDirectory.open(next((folder / "outputs").glob("2*")))
    assert stopped.status["state"] == "failed"
    assert "power failure" in stopped.status["traceback"]
    training_run.resume_run(str(stopped.path))
    return stopped


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """The run that nothing happens to."""
    return train(tmp_path_factory.mktemp("straight"), *HARD)


@pytest.mark.slow
@pytest.mark.parametrize("at", [(0, 4), (1, 9), (1, 0), (1, 1), (2, 7)])
def test_resumed_equals_uninterrupted(
    at: tuple[int, int], straight: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed = interrupted(tmp_path, at, monkeypatch, *HARD)
    assert_same_runs(straight, resumed)


@pytest.mark.slow
def test_a_plateau_schedule_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ("scheduler=plateau", "scheduler.patience=0", "scheduler.warmup_ratio=0.1", "trainer.max_epochs=4")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    quiet = ("callbacks.resume.minutes=0", "optimizer.lr=1e-5", "callbacks.early_stopping=null")
    whole = train(tmp_path / "a", *settings, *quiet)
    resumed = interrupted(tmp_path / "b", (3, 0), monkeypatch, *settings, *quiet)
    assert_same_runs(whole, resumed)


@pytest.mark.slow
def test_a_resume_point_loads_with_plain_containers_only(straight: RunDirectory) -> None:
    loaded = torch.load(straight.resume_point, weights_only=True)
    (first,) = loaded["callbacks"][ResumePoint().state_key]["ranks"]
    assert {"python", "numpy", "torch"} <= set(first)
    assert loaded["architecture"]["tasks"][0]["classes"] == ["yes", "no", "none", "1"]


def test_a_finished_run_keeps_no_points_to_resume_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = interrupted(tmp_path, (1, 2), monkeypatch, "trainer.max_epochs=2", "callbacks.resume.keep=false")
    (best,) = run.checkpoints.glob("*.ckpt")
    assert best.name.startswith("epoch=")
    with run.history.open(encoding="utf-8", newline="") as file:
        in_all = sum(float(row["seconds"]) for row in csv.DictReader(file))
    assert read_metrics(run)["seconds"]["training"] >= 0.95 * in_all, "also what the first process had trained"
