"""With callbacks=ema the averaged weights are what is validated, kept, verified and exported."""

from pathlib import Path

import pytest
import torch

from polarity.models.saving import load_model
from tests.running import train


@pytest.mark.slow
def test_the_exported_weights_are_the_averages(tmp_path: Path) -> None:
    settings = ("callbacks=ema", "callbacks.ema.decay=0.9", "trainer.max_epochs=1", "trainer.log_every_n_steps=1")
    run = train(tmp_path, *settings, rows=90)  # it has verified that the weights give the score that was monitored
    (path,) = run.checkpoints.glob("epoch=*.ckpt")
    checkpoint = torch.load(path, weights_only=True)
    averaged, last = checkpoint["state_dict"], checkpoint["current_model_state"]
    exported = load_model(run.model)[0].state_dict()
    assert any(not torch.equal(values, last[name]) for name, values in averaged.items())
    assert all(torch.equal(values, averaged[f"model.{name}"]) for name, values in exported.items())
