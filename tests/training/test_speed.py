"""What a run says of its speed."""

import re
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from polarity.models import PretrainedEncoder
from polarity.training.callbacks import speed
from tests.running import train
from tests.tiny import save_tiny_encoder, tiny_classifier

LINE = re.compile(
    r"speed: ([\d.]+) rows/s, (\d+) tokens/s, ([\d.]+)% padding in the batches(?:, MFU ([\d.]+) of .* GFLOP/s)?"
)


@pytest.mark.slow
def test_a_run_tells_how_fast_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "LONG_ENOUGH", 0.0)
    told = []
    for mega_batches in ("null", "8"):
        run = train(tmp_path, f"batching.mega_batches={mega_batches}", "trainer.max_epochs=1")
        (line,) = LINE.finditer(run.log.read_text())
        told.append([float(number) for number in line.groups()])
    for rows, tokens, _, use in told:
        assert 5 < tokens / rows < 32, "a row has so many tokens"
        assert 0 <= use < 1
    assert told[0][2] > 2 * told[1][2], "sorted rows need less padding"


def test_an_epoch_that_is_resumed_in_its_middle_began_then() -> None:
    callback = speed.Speed()
    callback.on_train_start(Mock(), Mock())
    callback.on_train_batch_end(Mock(), Mock(), None, None, 5)
    assert callback._last - callback._started < 60


@pytest.mark.slow
def test_short_runs_measure_no_peak(tmp_path: Path) -> None:
    (line,) = LINE.finditer(
        train(tmp_path, "trainer.max_epochs=1", "trainer.log_every_n_steps=1", rows=60).log.read_text()
    )
    assert line[4] is None


def test_flops_are_counted_by_hand() -> None:
    encoder = tiny_classifier("bert", layers=2, width=16).encoder
    weights = 2 * (4 * 16 * 16 + 2 * 16 * 32)
    expected = 6 * weights * 12 + 12 * 2 * 16 * (100 + 4)
    assert speed.training_flops(encoder, np.array([10, 2])) == expected
    encoder.backbone.encoder.layer[0].requires_grad_(requires_grad=False)  # type: ignore[operator, index]
    assert speed.training_flops(encoder, np.array([10, 2])) == expected - 2 * weights / 2 * 12
    assert speed.training_flops(torch.nn.Linear(3, 3), np.array([10, 2])) == 0


def test_what_does_not_learn_computes_nothing_that_counts(tmp_path: Path) -> None:
    folder = str(save_tiny_encoder(tmp_path))
    assert speed.training_flops(PretrainedEncoder(name=folder, freeze="encoder").build(), np.array([10, 2])) == 0


def test_no_peak_is_measured_where_a_precision_is_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", dict)
    state = torch.get_rng_state()
    assert speed.peak_flops(torch.device("cpu"), "bf16-mixed") is None
    peak = speed.peak_flops(torch.device("cpu"), "32-true")
    assert peak is not None
    assert peak > 1e8
    assert torch.equal(state, torch.get_rng_state())
