"""A disk that is full, or cannot be written: a line that says so, nothing half-written, and all goes on with room."""

import ctypes
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.trial import (
    SEED,
    assert_nothing_left,
    assert_undisturbed,
    attempt,
    left_alone,
    line,
    runs_in,
    tell,
    what_a_user_types,
)

pytestmark = pytest.mark.faults

READ_ONLY, REMOUNT = 1, 32
SETTINGS = ("trainer.max_epochs=3", "callbacks.resume.minutes=0", "model.encoder_dropout=0.2")
C = ctypes.CDLL(None, use_errno=True)


def mount(folder: Path, flags: int = 0, size: int = 64 << 20) -> None:
    """A file system in memory with room for ``size`` bytes."""
    if C.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", flags, f"size={size}".encode()):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        mount(folder)
    except (OSError, AttributeError) as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    yield folder
    C.umount2(os.fsencode(folder), 2)


def used(folder: Path) -> int:
    """Bytes of a disk."""
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


@pytest.fixture(scope="module")
def reference(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing happens to."""
    folder = tmp_path_factory.mktemp("reference") / "trial"
    left_alone(folder, "train", *line(home, folder, *SETTINGS))
    return folder


def size_of(folder: Path) -> int:
    """Bytes that a folder would take of a disk."""
    return sum(-(-path.stat().st_size // 4096) * 4096 + 1024 for path in folder.rglob("*"))


@pytest.mark.parametrize("turn", range(4))
def test_a_run_on_a_full_disk_stops_and_goes_on_with_room(turn: int, reference: Path, home: Path, disk: Path) -> None:
    folder = disk / "trial"
    share = 0.8 * (turn + random.Random(f"{SEED} disk {turn}").random()) / 4
    tell(f"disk {turn}: room for {share:.3f} of the run")
    mount(disk, REMOUNT, int(share * size_of(reference)) + 8192)
    first = line(home, folder, *SETTINGS)
    outcome = attempt(folder, "train", *first)
    assert outcome.code in (1, 2), outcome.said
    assert "No space left" in outcome.said or "no space is left" in outcome.said, outcome.said
    mount(disk, REMOUNT)
    words = what_a_user_types(folder, first)
    assert words
    left_alone(folder, "train", *words)
    (run,) = runs_in(folder)
    assert_undisturbed(runs_in(reference)[0], run)
    assert_nothing_left(folder)
    assert list((folder / "temp").iterdir()) == []


def test_what_cannot_be_written_is_refused_in_a_line_and_changes_nothing(
    reference: Path, home: Path, disk: Path
) -> None:
    folder = disk / "trial"
    first = line(home, folder, "trainer.max_epochs=1", "reporting.baselines=false")
    left_alone(folder, "train", *first)
    (run,) = runs_in(folder)
    mount(disk, REMOUNT | READ_ONLY)
    for verb, words in {
        "train": first,
        "evaluate": [f"run={run.path}", "accelerator=cpu"],
        "report": [f"run={run.path}"],
        "predict": [f"run={run.path}", f"input={home / 'corpus.csv'}", f"output={folder / 'told.csv'}"],
    }.items():
        outcome = attempt(folder, verb, *words)
        assert outcome.code == 2, f"{verb}: {outcome.said}"
        assert "nothing can be written into" in outcome.said, f"{verb}: {outcome.said}"
    assert run.status["state"] == "finished"
    mount(disk, REMOUNT)
    run.set_status("failed", error="stopped")
    mount(disk, REMOUNT | READ_ONLY)
    outcome = attempt(folder, "train", f"resume={run.path}")
    assert outcome.code == 2, outcome.said
    assert "nothing can be written into" in outcome.said
