"""The promises of a run, tried on a graphics card; skipped where there is none."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from polarity.run import RunDirectory
from polarity.runs.saved import saved_predictions
from tests import command
from tests.misfortune import misfortune
from tests.running import only_run, overrides
from tests.sameness import assert_same_runs, history

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here"),
]
HARD = (
    "sampler=joint",
    "regularizer=rdrop",
    "regularizer.warmup_epochs=0",
    "model.encoder_dropout=0.2",
    "callbacks.resume.minutes=0",
)


def words(folder: Path, *more: str) -> list[str]:
    """A command line on the first graphics card."""
    usual = [text for text in overrides(folder) if not text.startswith("trainer.accelerator=")]
    return [*usual, "trainer.accelerator=gpu", "trainer.devices=1", *more]


def trained(folder: Path, *more: str) -> RunDirectory:
    command.run("train", *words(folder, *more), folder=folder, real=True)
    return only_run(folder)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_run_ends_verified_and_a_processor_finds_the_same_scores(tmp_path: Path, precision: str) -> None:
    run = trained(tmp_path, *HARD, f"trainer.precision={precision}")
    assert run.status["state"] == "finished"
    command.run("evaluate", f"run={run.path}", "split=val", folder=tmp_path, real=True)
    on_card = saved_predictions(run, "val")
    command.run(
        "predict", f"run={run.path}", f"input={tmp_path / 'corpus.csv'}", "output=told.csv", folder=tmp_path, real=True
    )
    text = (tmp_path / "told.csv").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 241
    command.run("evaluate", f"run={run.path}", "split=val", "accelerator=cpu", folder=tmp_path, real=True)
    assert all(np.isfinite(item.logits).all() for item in on_card.tasks if item.logits is not None)


def test_the_numbers_are_those_of_a_processor_within_float_error(tmp_path: Path) -> None:
    still = ("model.encoder_dropout=0.0", "model.dropout=0.0")
    (tmp_path / "card").mkdir()
    (tmp_path / "processor").mkdir()
    card = trained(tmp_path / "card", *still)
    processor = trained(tmp_path / "processor", *still, "trainer.accelerator=cpu")
    first, second = history(card)[0], history(processor)[0]
    assert abs(float(first["val/loss"]) - float(second["val/loss"])) < 1e-3
    assert abs(float(first["train/loss"]) - float(second["train/loss"])) < 1e-3


@pytest.mark.parametrize("kind", ["kill", "terminate"])
def test_a_deterministic_run_that_was_stopped_ends_like_one_that_was_not(tmp_path: Path, kind: str) -> None:
    settings = (*HARD, "trainer.deterministic=true")
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    whole = trained(tmp_path / "whole", *settings)
    folder = tmp_path / "stopped"
    arguments = words(folder, *settings, misfortune(folder, kind=kind, epoch=1, batch=1))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(command.ROOT), os.environ.get("PYTHONPATH", "")])}
    process = command.start("train", *arguments, folder=folder, real=True, env=environment)
    said, _ = process.communicate(timeout=command.PATIENCE)
    assert process.returncode in (-9, 143), said
    run = only_run(folder)
    command.run("train", f"resume={run.path}", "trust=tests.misfortune", folder=folder, real=True)
    assert_same_runs(whole, run)
