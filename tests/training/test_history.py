"""What the console says of the best epoch so far."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from polarity.training.callbacks.history import History


def test_an_epoch_without_a_score_is_never_the_best(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history, trainer = History(monitor="score", mode="max"), SimpleNamespace(default_root_dir=tmp_path, max_epochs=3)
    module: Any = SimpleNamespace(scores=SimpleNamespace(tasks={}), tasks=[])
    said = []
    for epoch, score in enumerate((float("nan"), 0.5, 0.4)):
        losses = {"train/loss": 1.0, "train/objective": 1.0, "val/loss": 1.0}
        row = {
            "epoch": epoch,
            "step": epoch,
            "epoch_share": 1.0,
            "score": score,
            "seconds": 1.0,
            "rows_per_second": 1.0,
        }
        history._record(trainer, module, row | losses)  # type: ignore[arg-type]
        said.append(capsys.readouterr().out.splitlines()[0])
    assert [line[line.index("(") :] for line in said[1:]] == ["(best so far)", "(best: epoch 2, 0.5000)"]
