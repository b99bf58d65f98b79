"""A bar on a terminal, which the lines do not run into; plain lines elsewhere."""

import json
import os
import pty
import re
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rich

from polarity import progress as module
from polarity.run import RunDirectory
from polarity.training.callbacks.progress import ProgressInLines
from tests.command import PATIENCE
from tests.running import train

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ERASE_LINE = "\x1b[2K"


def on_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a run writes to a terminal."""
    leader, follower = pty.openpty()
    written: list[bytes] = []

    def read() -> None:
        while True:
            try:
                written.append(os.read(leader, 65536))
            except OSError:  # the other end is closed
                return

    reader = threading.Thread(target=read)
    reader.start()
    with open(follower, "w", encoding="utf-8") as terminal, monkeypatch.context() as patch:  # noqa: PTH123
        patch.setattr(sys, "stdout", terminal)
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("COLUMNS", "200")
        patch.setattr(rich, "_console", None)
        train(folder, "trainer.enable_progress_bar=null", "trainer.max_epochs=3")
    reader.join(timeout=PATIENCE)
    os.close(leader)
    return b"".join(written).decode()


@pytest.mark.slow
def test_lines_are_printed_above_the_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = on_a_terminal(tmp_path, monkeypatch)
    assert "━━━" in raw
    assert "objective:" in ESCAPES.sub("", raw)
    for epoch in range(3):
        # The bar's line is erased, the epoch's line written in its place, and the bar drawn again below.
        assert re.search(rf"{re.escape(ERASE_LINE)}epoch {epoch + 1} of 3", raw), epoch
    lines = [line.rpartition("\r")[2] for line in ESCAPES.sub("", raw).replace("\r\n", "\n").split("\n")]
    assert [line[:12] for line in lines if re.search(r"^epoch \d+ of", line)] == [f"epoch {n} of 3" for n in (1, 2, 3)]
    assert len([line for line in lines if line.startswith("    tone ")]) == 3


@pytest.mark.slow
def test_elsewhere_there_are_plain_lines_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(tmp_path, "trainer.enable_progress_bar=null")
    said = capsys.readouterr()
    assert "\x1b" not in said.out
    assert "\r" not in said.out
    assert "it/s" not in said.out
    assert said.err == ""
    assert "epoch 2 of 2" in said.out
    assert run.log.read_text() == said.out


@pytest.mark.slow
def test_a_long_epoch_says_how_far_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polarity.training.trainer.ProgressInLines", lambda: ProgressInLines(seconds=0.0))
    run = train(tmp_path, "trainer.max_epochs=1", "batching.batch_size=32", "trainer.log_every_n_steps=1")
    lines = [line for line in capsys.readouterr().out.splitlines() if "rows/s, about" in line]
    (rows,) = {int(line.split()[4]) for line in lines}
    assert 0 < len(run_rows(run)) - rows < 20  # rows without any label are not drawn
    assert [line.split()[2:5] for line in lines] == [
        [str(32 * (n + 1)), "of", str(rows)] for n in range(-(-rows // 32) - 1)
    ]
    assert all(line.startswith("    epoch 1: ") for line in lines)


def run_rows(run: RunDirectory) -> list[int]:
    """The training rows of a finished run."""
    fingerprints = json.loads(run.environment.read_text(encoding="utf-8"))
    return list(range(fingerprints["data"]["train"]["rows"]))


class Once(threading.Event):
    """A minute is over, and then it has ended."""

    def wait(self, timeout: float | None = None) -> bool:
        ended = self.is_set()
        self.set()
        return ended


class AtOnce(threading.Thread):
    """Has done its work when it has been started, however fast the machine is."""

    def start(self) -> None:
        self.run()


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        pytest.param("pretraining=mlm", "masked tokens:", marks=pytest.mark.slow),
        ("model.freeze=encoder", "vectors:"),
        ("seed=1", "scoring val:"),
    ],
)
def test_what_takes_long_before_and_after_the_epochs_is_in_the_log(
    setting: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job of a sweep has no terminal, and half an hour may pass there."""
    monkeypatch.setattr(module, "Event", Once)
    monkeypatch.setattr(module, "Thread", AtOnce)
    run = train(tmp_path, setting)
    assert told in run.log.read_text(encoding="utf-8")


def test_parts_of_batches_are_parts_of_the_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = SimpleNamespace(parts=4)
    data = SimpleNamespace(batch_size=16, train_batches=parts, sampler=SimpleNamespace(rows_drawn=158))
    about = {"world_size": 1, "is_global_zero": True, "current_epoch": 0, "default_root_dir": str(tmp_path)}
    trainer: Any = SimpleNamespace(num_training_batches=40, datamodule=data, **about)  # of 4 rows each
    lines = ProgressInLines(seconds=0.0)
    for number in range(10):
        lines.on_train_batch_end(trainer, trainer, None, {"rows": range(4)}, number)
    assert [line.split()[2:5] for line in capsys.readouterr().out.splitlines()][-1] == ["40", "of", "158"]
