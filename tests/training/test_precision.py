"""Sixteen-bit training: the score that was monitored is the score of the model that was written."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import torch
import yaml

from polarity.config.precision import precision_of
from polarity.models.saving import load_model
from tests.running import train
from tests.sameness import history, state


@pytest.mark.slow
def test_bf16_trains_and_its_score_is_reproduced_exactly(tmp_path: Path) -> None:
    settings = ("monitor=val/loss", "mode=min")  # unlike a count of hits, a loss shows the smallest difference
    run = train(tmp_path, *settings, "trainer.precision=bf16-mixed")
    losses = [float(row["val/loss"]) for row in history(run)]
    best = json.loads(run.metrics.read_text())["best"]
    assert best["value"] == min(losses)
    assert best["epoch"] == int(np.argmin(losses))
    model, _ = load_model(run.model)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    exact = train(tmp_path, *settings)
    logits = [pyarrow.parquet.read_table(each.predictions("val"))["tone.logit.yes"].to_numpy() for each in (run, exact)]
    assert not np.array_equal(*logits)
    assert state(run)["optimizer_states"][0]["state"][0]["exp_avg"].dtype == torch.float32


@pytest.mark.parametrize(
    ("device", "known", "precision", "reason"),
    [
        ("cpu", {"avx512_bf16": True, "amx_bf16": False}, "bf16-mixed", r"natively \(avx512_bf16\)"),
        ("cpu", {"amx_bf16": True}, "bf16-mixed", r"natively \(amx_bf16\)"),
        ("cpu", {"avx2": True, "avx512_bf16": False}, "32-true", "neither avx512_bf16 nor amx_bf16"),
        ("cuda", (8, 0), "bf16-mixed", "this GPU multiplies bfloat16 natively"),
        ("cuda", (7, 5), "32-true", "multiplies no bfloat16"),
        ("mps", None, "32-true", "mps"),
    ],
)
def test_auto_is_bf16_where_it_is_native(
    monkeypatch: pytest.MonkeyPatch, device: str, known: object, precision: str, reason: str
) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: known)
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda _: known)
    chosen, why = precision_of(torch.device(device))
    assert chosen == precision
    assert re.search(reason, why)


@pytest.mark.slow
@pytest.mark.parametrize("native", [True, False])
def test_a_run_keeps_what_auto_has_come_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, native: bool) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx512_bf16": native})
    run = train(tmp_path, "trainer.precision=auto", "trainer.max_epochs=1")
    expected = "bf16-mixed" if native else "32-true"
    assert yaml.safe_load((run.path / "config.yaml").read_text())["trainer"]["precision"] == expected
    assert f"precision: {expected}, since this processor" in run.log.read_text()
    named = train(tmp_path, f"trainer.precision={expected}", "trainer.max_epochs=1")
    assert history(run)[0]["val/loss"] == history(named)[0]["val/loss"]
    assert "since this processor" not in named.log.read_text()
