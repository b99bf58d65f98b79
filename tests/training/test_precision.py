"""Sixteen-bit training: the score that was monitored is the score of the model that was written."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet
import torch

from polarity.models.saving import load_model
from tests.running import train
from tests.sameness import history, state


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
