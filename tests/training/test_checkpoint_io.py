"""A checkpoint appears whole beside the others, and goes when nothing needs it any more."""

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch

from polarity.training.callbacks.resume import ResumePoint
from polarity.training.checkpoint_io import WholeCheckpoints
from tests.running import train


def test_a_checkpoint_is_written_beside_its_place_synchronised_and_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda number: (done.append("sync"), sync(number))[1])
    monkeypatch.setattr(Path, "replace", lambda path, to: (done.append(path.parent.name), replace(path, to))[1])
    monkeypatch.setattr(tempfile, "mkstemp", lambda *_: pytest.fail("that may be another disk"))
    WholeCheckpoints().save_checkpoint({"value": torch.ones(3)}, tmp_path / "checkpoints" / "a.ckpt")
    assert done == ["sync", "checkpoints"]
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["a.ckpt"]
    assert torch.equal(torch.load(tmp_path / "checkpoints" / "a.ckpt")["value"], torch.ones(3))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("numbers", [10, 10_000_000])
def test_a_full_disk_is_told_as_such_and_leaves_nothing(
    numbers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what torch writes last, and with what it writes first."""
    whole, full = Path.open, Path("/dev/full")  # where each byte is one too many
    monkeypatch.setattr(
        Path,
        "open",
        lambda path, mode="r", *more, **by: whole(full if ".part" in path.name else path, mode, *more, **by),
    )
    with pytest.raises(OSError, match="No space left on device"):
        WholeCheckpoints().save_checkpoint({"value": torch.ones(numbers)}, tmp_path / "a.ckpt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_outdone_checkpoint_stays_until_the_resume_point_knows_the_better_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is killed between the two goes on from a point at which the outdone one is the best."""
    there: list[int] = []
    save = ResumePoint._save

    def look(self: ResumePoint, trainer: Any) -> None:
        there.append(len(list(Path(trainer.default_root_dir).glob("checkpoints/epoch=*.ckpt"))))
        save(self, trainer)

    monkeypatch.setattr(tempfile, "mkstemp", lambda *_: pytest.fail("that may be another disk"))
    monkeypatch.setattr(ResumePoint, "_save", look)
    run = train(tmp_path, "trainer.max_epochs=3", "reporting.baselines=false")
    assert there[0] == 1
    assert max(there) == 2
    assert len(list(run.checkpoints.glob("epoch=*.ckpt"))) == 1
