"""What killed processes leave half-written goes at the next start; what living ones write is not touched."""

import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from polarity.data.cache import cached_arrays
from polarity.errors import reason_of
from polarity.files import whole_file, whole_folder
from polarity.models import save_model
from polarity.parts import _host, clear, unfinished
from polarity.prediction.streams import Output
from tests.command import ROOT
from tests.tiny import tiny_classifier, tiny_reader

WRITER = """
import sys, time
from pathlib import Path
from typing import Any
from polarity.parts import unfinished
with unfinished(Path(sys.argv[1])) as part:
    {make}
    print("there", flush=True)
    time.sleep(600)
"""
Way = Callable[[Path], AbstractContextManager[Path]]

FILE, FOLDER = "part.write_text('half')", "part.mkdir(); (part / 'x').write_text('half')"


def writer(path: Path, make: str) -> subprocess.Popen[str]:
    """Another process that is in the midst of writing."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER.format(make=make), str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as result:
        assert result.readline() == "there\n"
    return process


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob(".*.part"))


@pytest.mark.parametrize("make", [FILE, FOLDER], ids=["file", "folder"])
def test_only_what_belongs_to_a_killed_process_goes(tmp_path: Path, make: str) -> None:
    living, killed = writer(tmp_path / "a", make), writer(tmp_path / "a", make)
    try:
        assert len(parts(tmp_path)) == 2
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        clear(tmp_path)
        assert len(parts(tmp_path)) == 1
        assert f"-{living.pid}-" in parts(tmp_path)[0].name
    finally:
        living.kill()
        living.wait()
    clear(tmp_path)
    assert parts(tmp_path) == []


def test_names_of_others_are_left_alone(tmp_path: Path) -> None:
    others = [".download.part", ".x.12345678-999999-1-12345678.part", "report.part", ".x.1234.part"]
    for name in others:
        (tmp_path / name).touch()
    clear(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


def test_what_a_process_of_another_container_writes_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have the same host name, and its number stands for no process here."""
    dead = f".x.{_host()}-999999-1-12345678.part"
    monkeypatch.setattr("polarity.parts.pid_namespace", lambda: "pid:[1]")
    theirs = f".x.{_host()}-999999-1-12345678.part"
    monkeypatch.undo()
    for name in (dead, theirs):
        (tmp_path / name).touch()
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [theirs]


def test_what_another_user_has_left_stops_no_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = tmp_path / f".x.{_host()}-999999-1-12345678.part"
    left.touch()
    unlink = Path.unlink

    def refused(self: Path, missing_ok: bool = False) -> None:
        if self == left:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    with whole_file(tmp_path / "x") as part:
        part.write_text("whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [left.name, "x"]


def test_each_start_clears_where_it_writes(tmp_path: Path) -> None:
    for folder, start in (
        ("cache", lambda folder: cached_arrays(folder / "key", lambda: {"a": np.zeros(1)})),
        ("told", lambda folder: Output(str(folder / "told.csv"), overwrite=True).open().__enter__().close()),
    ):
        (tmp_path / folder).mkdir()
        killed = writer(tmp_path / folder / "other", FILE)
        killed.kill()
        killed.wait()
        before = parts(tmp_path / folder)
        start(tmp_path / folder)
        assert before
        assert not before[0].exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_where_there_is_no_room_the_file_is_named(number: int, tmp_path: Path) -> None:
    with pytest.raises(OSError) as full, unfinished(tmp_path / "out.csv"):
        raise OSError(number, os.strerror(number))
    assert reason_of(full.value) == f"{tmp_path / 'out.csv'}: {os.strerror(number)}"
    with pytest.raises(OSError) as other, unfinished(tmp_path / "out.csv"):
        raise OSError(number, os.strerror(number), "another")
    assert reason_of(other.value).startswith("another: ")


def test_what_libraries_call_an_error_of_their_own_is_the_systems(tmp_path: Path) -> None:
    """As safetensors and tokenizers do where a disk is full."""
    with pytest.raises(OSError, match="No space left on device") as refused, unfinished(tmp_path / "model"):
        raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")
    assert (refused.value.errno, refused.value.filename) == (errno.ENOSPC, str(tmp_path / "model"))
    with pytest.raises(RuntimeError, match="another"), unfinished(tmp_path / "model"):
        raise RuntimeError("another")


def test_nothing_is_left_of_a_block_that_fails(tmp_path: Path) -> None:
    with suppress(ZeroDivisionError), unfinished(tmp_path / "new" / "a") as part:
        part.write_text("half")
        raise ZeroDivisionError
    assert list((tmp_path / "new").iterdir()) == []


REPLACER = """
import os, signal, sys
from pathlib import Path
from typing import Any
from polarity.files import whole_folder
if sys.argv[2] == "SIGTERM":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
rename = Path.rename
def moved(self, target):
    done = rename(self, target)
    if self.name == "a":
        os.kill(os.getpid(), getattr(signal, sys.argv[2]))
    return done
Path.rename = moved
with whole_folder(Path(sys.argv[1])) as part:
    (part / "x").write_text("new")
"""


@pytest.mark.parametrize("asked", ["SIGTERM", "SIGKILL"])
def test_a_signal_between_both_moves_of_a_replacement_leaves_the_old_folder(tmp_path: Path, asked: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("old")
    subprocess.run([sys.executable, "-c", REPLACER, str(tmp_path / "a"), asked], cwd=ROOT, check=False, timeout=60)
    assert (tmp_path / "a").exists() == (asked == "SIGTERM")
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a" / "x").read_text() == "old"


def test_what_a_killed_replacement_has_finished_stays_and_the_old_folder_goes(tmp_path: Path) -> None:
    for name in ("a", ".a.{}-999999-1-12345678.old"):
        folder = tmp_path / name.format(_host())
        folder.mkdir()
        (folder / "x").write_text("new" if name == "a" else "old")
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a" / "x").read_text() == "new"


def test_where_the_new_folder_cannot_be_moved_the_old_one_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    rename = Path.rename

    def refused(self: Path, target: Path) -> Path:
        if self.name.endswith(".part"):
            raise OSError(errno.EACCES, "no right to")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(OSError, match="no right to"), whole_folder(tmp_path / "a"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("way", [whole_file, whole_folder])
def test_what_appears_meanwhile_stays_where_it_must(
    tmp_path: Path, way: Any, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    if not links:
        monkeypatch.setattr(os, "link", refused)
    beside: list[Path] = []
    for name, appears in (("free", False), ("file.csv", True), ("folder", True)):
        with (
            pytest.raises(OSError, match="has appeared meanwhile, and stays") if appears else nullcontext() as told,
            way(tmp_path / name, overwrite=False) as part,
        ):
            (part / "x" if part.is_dir() else part).write_text("mine")
            if name == "file.csv":
                (tmp_path / name).write_text("another's")
            elif name == "folder":
                (tmp_path / name).mkdir()
                (tmp_path / name / "x").write_text("another's")
        if appears:
            beside.append(Path(told.value.strerror.partition("the new one is ")[2]))
            assert beside[-1].parent == tmp_path
            assert way is whole_folder or beside[-1].suffix == Path(name).suffix
    assert (tmp_path / "file.csv").read_text() == (tmp_path / "folder/x").read_text() == "another's"
    for path in (tmp_path / "free", *beside):
        assert (path / "x" if way is whole_folder else path).read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"file.csv", "folder", "free", *(one.name for one in beside)}


@pytest.mark.parametrize("way", [whole_file, whole_folder])
def test_what_stood_there_stays_until_the_new_one_is_whole(tmp_path: Path, way: Way) -> None:
    def write(part: Path, text: str) -> None:
        (part / "x" if part.is_dir() else part).write_text(text)

    def read() -> str:
        return (tmp_path / "a" / "x" if (tmp_path / "a").is_dir() else tmp_path / "a").read_text()

    with way(tmp_path / "a") as part:
        write(part, "old")
        assert not (tmp_path / "a").exists()
    with suppress(ZeroDivisionError), way(tmp_path / "a") as part:
        write(part, "half")
        assert read() == "old"
        raise ZeroDivisionError
    assert read() == "old"
    with way(tmp_path / "a") as part:
        write(part, "new")
    assert read() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o002])
def test_all_files_of_a_model_are_as_readable_as_the_umask_says(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        save_model(tiny_classifier(), tiny_reader(), tmp_path / "model")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "model").iterdir()}
    assert set(modes.values()) == {0o666 & ~mask}, modes
