"""Runs with a linear probe beside their heads are resumed, branched, refitted and used like any other."""

import json
from pathlib import Path

import numpy as np
import pytest

from polarity.evaluation.predictions import read_predictions
from polarity.run import RunDirectory
from tests.running import train
from tests.sameness import assert_same_runs
from tests.tiny import save_tiny_encoder
from tests.training.test_resume import interrupted
from tests.verbs import said_by

pytestmark = pytest.mark.slow

QUICK = ("trainer.max_epochs=1", "reporting.baselines=false")
WITHOUT = ("model=local", "model.name=")


def fused(folder: Path, *more: str) -> list[str]:
    return ["model=late_fusion", "model.encoder=local", f"model.encoder.name={save_tiny_encoder(folder / 'e')}", *more]


def test_one_that_was_cut_off_goes_on_with_the_probe_that_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("straight", "stopped"):
        (tmp_path / name).mkdir()
    settings = fused(tmp_path, "callbacks.resume.minutes=0", "callbacks=ema")
    straight = train(tmp_path / "straight", *settings, without=WITHOUT)
    assert_same_runs(straight, interrupted(tmp_path / "stopped", (1, 3), monkeypatch, *settings, without=WITHOUT))


def test_every_verb_takes_it(tmp_path: Path) -> None:
    run = train(tmp_path, *fused(tmp_path, *QUICK), without=WITHOUT)
    then = train(tmp_path, *fused(tmp_path, *QUICK, f"from={run.path}", "optimizer.lr=1e-12"), without=WITHOUT)
    first, second = (read_predictions(one.predictions("val")) for one in (run, then))
    for one, other in zip(first.tasks, second.tasks, strict=True):
        np.testing.assert_allclose(one.logits, other.logits, rtol=0, atol=1e-4)  # the same probe, fitted again
    said_by("evaluate", f"run={run.path}", "split=val", "accelerator=cpu")
    told = tmp_path / "told.csv"
    said_by("predict", f"run={run.path}", f"input={tmp_path / 'corpus.csv'}", f"output={told}", "accelerator=cpu")
    assert len(told.read_text(encoding="utf-8").splitlines()) == 241
    said_by("refit", f"run={run.path}", f"output_dir={tmp_path / 'again'}")
    again = RunDirectory.open(tmp_path / "again" / "latest")
    assert json.loads((again.model / "config.json").read_text(encoding="utf-8"))["share"] == 0.5
    said = said_by("export", f"run={run.path}", "format=onnx", f"output={tmp_path / 'exported'}", code=2)
    assert "onnx holds encoders of transformers alone, not BertModel with a linear probe beside it" in said
