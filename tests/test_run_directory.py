"""A run's folder: never shared, never half written, found again."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE
from types import SimpleNamespace

import pytest

from polarity.comparison.find import find_folders
from polarity.errors import UserError
from polarity.files import check_room, checksum, unwritable, whole_file, whole_folder, write_json
from polarity.locks import FolderLock
from polarity.processes import this_process
from polarity.run import ALIVE, RunDirectory, configuration_hash
from polarity.runs.rebuild import read_environment
from polarity.runs.saved import read_metrics
from polarity.sweeps.folder import Sweep
from tests.command import ROOT, USUAL, python
from tests.verbs import said_by

CONFIG = {"seed": 1, "loss": {"gamma": 2.0}, "name": "naïve"}


def test_runs_that_start_in_the_same_second_do_not_share_a_folder(tmp_path: Path) -> None:
    runs = {RunDirectory.create(tmp_path, CONFIG, ["seed=1"]).path for _ in range(5)}
    assert len(runs) == 5


def test_a_folder_gives_back_what_it_was_made_with(tmp_path: Path) -> None:
    created = RunDirectory.create(tmp_path, CONFIG, ["seed=1", "name=naïve"])
    run = RunDirectory.open(created.path)
    assert run.written_config == CONFIG
    assert run.overrides == ["seed=1", "name=naïve"]
    assert run.status["state"] == "running"


def test_a_new_run_is_locked_until_it_is_released(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, CONFIG, [])
    other = FolderLock(run.path)
    assert other.is_held
    with pytest.raises(UserError, match="another process is at work on it"):
        other.take()
    run.lock.release()
    assert (run.lock.is_held, other.is_held) == (False, False)
    other.take()
    assert run.lock.is_held, "by the other"
    with pytest.raises(UserError, match="another process is at work on it"):
        run.lock.take()
    other.release()


LOOKING = """
import sys
from pathlib import Path
from polarity.locks import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("looks", flush=True)
while lock.path.exists():
    assert lock.is_held is not None or not lock.path.exists()
"""


def test_who_only_looks_at_a_lock_takes_it_from_nobody(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    lock.path.touch()
    with python("-c", LOOKING, str(tmp_path), folder=ROOT, env=USUAL, real=True, stdout=PIPE) as looking:
        assert looking.stdout is not None
        assert looking.stdout.readline() == "looks\n"
        try:
            for _ in range(300):
                lock.take()
                assert FolderLock(tmp_path).is_held
                lock.release()
        finally:
            lock.path.unlink()
    assert looking.returncode == 0


def test_the_hash_depends_on_values_and_not_on_their_order() -> None:
    assert configuration_hash({"a": 1, "b": 2}) == configuration_hash({"b": 2, "a": 1})
    assert configuration_hash({"a": 1, "b": 2}) != configuration_hash({"a": 1, "b": 3})


def test_latest_points_to_the_newest_finished_run(tmp_path: Path) -> None:
    first, second, third = (RunDirectory.create(tmp_path, {"seed": n}, []) for n in range(3))
    (tmp_path / "latest").symlink_to(third.path.name)  # as earlier versions made it
    for run in (first, second):
        run.finish()
        run.point_latest()
    third.set_status("failed", error="stopped")
    assert not (tmp_path / "latest").is_symlink()
    assert RunDirectory.open(tmp_path / "latest").path == second.path.resolve()
    assert RunDirectory.open(tmp_path / "latest").status["state"] == "finished"


def test_status_keeps_what_was_recorded_before_and_drops_an_old_traceback(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, CONFIG, [])
    run.set_status("failed", error="x", traceback="long")
    run.set_status("running")
    assert "started" in run.status
    assert "traceback" not in run.status
    assert "error" not in run.status
    run.finish()
    run.set_status("running")  # it goes on: it has not ended
    assert "ended" not in run.status


HERE, ELSEWHERE = this_process(), {"host": "elsewhere", "pid": 1, "pid_since": 1.0}
ENDED = {**HERE, "pid_since": 1.0}  # another process has its number now


@pytest.mark.parametrize(
    ("process", "held", "state"),
    [
        (HERE, True, "running"),
        (HERE, None, "running"),  # the folder lets nobody look at its lock
        (HERE, False, "stopped"),  # the process has gone on to something else
        (ENDED, True, "stopped"),
        (ENDED, None, "stopped"),
        (ENDED, False, "stopped"),
        (ELSEWHERE, True, "running"),
        (ELSEWHERE, None, "running"),  # as long as it has just given a sign of life
        (ELSEWHERE, False, "stopped"),
    ],
)
def test_a_run_is_worked_on_while_its_lock_is_held_and_its_process_lives(
    process: dict[str, object], held: bool | None, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory.create(tmp_path, CONFIG, [])
    run.set_status("running", **process)
    monkeypatch.setattr(FolderLock, "is_held", held)
    assert run.status["state"] == state
    assert ("error" in run.status) == (state == "stopped")
    run.finish()
    assert run.status["state"] == "finished"


def test_where_no_lock_can_be_looked_at_another_machine_is_believed_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory.create(tmp_path, CONFIG, [])
    run.set_status("running", **ELSEWHERE)
    monkeypatch.setattr(FolderLock, "is_held", None)
    os.utime(run.path / "status.json", (time.time() - ALIVE,) * 2)
    assert run.status["state"] == "stopped"
    run.show_life()
    assert run.status["state"] == "running"


def test_a_folder_without_its_configuration_is_no_run(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, CONFIG, [])
    (run.path / "config.yaml").unlink()
    with pytest.raises(UserError, match="is no run's folder"):
        RunDirectory.open(run.path)


def test_a_misspelt_run_is_told_the_nearest_one_beside_it(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, CONFIG, [])
    with pytest.raises(UserError, match=f"did you mean '{run.path.name}'") as refused:
        RunDirectory.open(tmp_path / f"{run.path.name}x")
    assert f"(runs beside it: {run.path.name})" in str(refused.value)


@pytest.mark.parametrize(
    "open_it", [RunDirectory.open, Sweep.open, lambda name: find_folders([name])], ids=["run", "sweep", "compare"]
)
def test_what_is_told_by_its_name_alone_is_found_among_the_outputs(
    open_it: Callable[[str], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory.create(tmp_path / "outputs", CONFIG, [])
    run.point_latest()
    monkeypatch.chdir(tmp_path)
    for name in (run.path.name, "latest"):
        with pytest.raises(UserError, match=f"did you mean 'outputs/{name}'"):
            open_it(name)


def test_the_thousandth_run_of_one_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "strftime", lambda _: "now")
    name = f"now-{configuration_hash(CONFIG)}"
    for number in range(1, 999):
        (tmp_path / (name if number == 1 else f"{name}-{number}")).mkdir()
    assert RunDirectory.create(tmp_path, CONFIG, []).path.name == f"{name}-999"
    with pytest.raises(UserError, match="holds 999 runs"):
        RunDirectory.create(tmp_path, CONFIG, [])


def test_a_part_of_a_run_that_is_gone_is_called_that(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, {}, [])
    with pytest.raises(UserError, match=r"fold-2: is gone, and .* needs it: put it back, or train that again"):
        RunDirectory.open(run.path / "fold-2")


def test_what_is_no_run_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, CONFIG, [])
    with pytest.raises(UserError, match=f"did you mean '{run.path.name}'"):
        RunDirectory.open(str(run.path)[:-1])


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"value": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"value": object()})
    assert (tmp_path / "a.json").read_text(encoding="utf-8").strip() == '{\n  "value": 1\n}'


def test_a_checksum_is_sha_256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"polarity")
    assert checksum(tmp_path / "a") == hashlib.sha256(b"polarity").hexdigest()


@pytest.mark.parametrize("free", [0, 1])
def test_a_full_disk_is_reported_before_anything_is_computed(
    free: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    problem = f"output_dir: nothing can be written into {tmp_path}: no space is left"
    assert unwritable("output_dir", tmp_path / "new" / "run") == [problem] * (free == 0)


def test_what_is_renamed_has_reached_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a power cut could leave the new name with nothing in it."""
    done: list[str] = []
    sync, rename, replace = os.fsync, Path.rename, Path.replace
    monkeypatch.setattr(os, "fsync", lambda number: (done.append("sync"), sync(number))[1])
    monkeypatch.setattr(Path, "rename", lambda path, to: (done.append("rename"), rename(path, to))[1])
    monkeypatch.setattr(Path, "replace", lambda path, to: (done.append("rename"), replace(path, to))[1])
    with whole_file(tmp_path / "file") as part:
        part.write_text("new")
    assert done == ["sync", "rename"]
    done.clear()
    with whole_folder(tmp_path / "folder") as part:
        (part / "in").mkdir()
        for name in ("a", "in/b"):
            (part / name).write_text("new")
    assert done == ["sync", "sync", "rename"]


BROKEN = {"empty": b"", "cut": b'{"state": "fin', "no text": b"\xff\xfe\x00", "a number": b"7", "a text": b"hello"}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("name", ["status.json", "config.yaml", "overrides.yaml", "environment.json", "metrics.json"])
def test_a_damaged_file_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, CONFIG, ["seed=1"])
    (run.path / name).write_bytes(content)
    read: dict[str, Callable[[], object]] = {
        "status.json": lambda: run.status,
        "config.yaml": lambda: run.config,
        "overrides.yaml": lambda: run.overrides,
        "environment.json": lambda: read_environment(run),
        "metrics.json": lambda: read_metrics(run),
    }
    with pytest.raises(UserError) as refused:
        read[name]()
    assert refused.value.problems[0].startswith(f"{run.path / name}: is damaged (")
    (run.path / name).unlink()
    with pytest.raises(UserError, match="there is no such file"):
        read[name]()


def test_a_status_without_a_state_is_damaged(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, CONFIG, [])
    write_json(run.path / "status.json", {"state": "asleep"})
    with pytest.raises(UserError, match="tells no state"):
        _ = run.status


def test_what_lies_within_a_run_leads_to_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunDirectory.create(tmp_path / "outputs", CONFIG, [])
    run.resume_point.parent.mkdir()
    run.resume_point.touch()
    monkeypatch.chdir(tmp_path)
    for inner in (run.resume_point, run.checkpoints, run.path / "nothing"):
        with pytest.raises(UserError, match=f"lies within a run's folder; give that: outputs/{run.path.name}$"):
            RunDirectory.open(inner)


def test_no_run_is_offered_its_own_name(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "outputs", CONFIG, [])
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    says = {"empty": "is no run's folder$", "file": "is a file", "link": "nowhere, which does not exist"}
    for name, piece in (says | {"outputs": run.path.name}).items():
        with pytest.raises(UserError, match=piece) as refused:
            RunDirectory.open(tmp_path / name)
        assert f"did you mean '{name}'" not in str(refused.value)


def test_a_planned_run_waits(tmp_path: Path) -> None:
    RunDirectory.plan(tmp_path / "job", CONFIG, ["seed=1"])
    run = RunDirectory.open(tmp_path / "job")
    assert (run.status["state"], run.overrides, run.written_config) == ("waiting", ["seed=1"], CONFIG)
    assert run.recorded["id"]


def test_folders_without_room_are_told_by_their_settings(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check_room(output=tmp_path / "new", resume=None)
    with pytest.raises(UserError) as refused:
        check_room(output=tmp_path / "file", resume=None, cache=tmp_path / "file" / "inner")
    is_file, within = refused.value.problems
    assert is_file == f"output: {tmp_path / 'file'} is a file, not a folder"
    assert within == f"cache: {tmp_path / 'file'} is not a folder"


@pytest.mark.parametrize(
    ("verb", "setting"),
    [
        ("evaluate", "run"),
        ("report", "run"),
        ("predict", "run"),
        ("refit", "run"),
        ("export", "run"),
        ("train", "resume"),
    ],
)
def test_the_home_of_a_user_who_is_not_there_is_a_folder_that_is_not_there(verb: str, setting: str) -> None:
    more = {"predict": ["input=a.csv", "output=b.csv"], "export": ["format=hf", "output=b"]}.get(verb, [])
    said = " ".join(said_by(verb, f"{setting}=~nobody-of-this-name/run", *more, code=2).split())
    assert "~nobody-of-this-name/run" in said
    assert "Traceback" not in said


def test_no_other_way_expands_a_path() -> None:
    for path in (ROOT / "polarity").rglob("*.py"):
        assert ".expanduser()" not in path.read_text(encoding="utf-8"), path
