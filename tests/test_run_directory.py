"""A run's folder: never shared, never half written, found again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from polarity.errors import UserError
from polarity.files import write_json
from polarity.run import RunDirectory, configuration_hash
from polarity.runs.rebuild import read_environment
from polarity.runs.saved import read_metrics

CONFIG = {"seed": 1, "loss": {"gamma": 2.0}, "name": "naïve"}


def test_runs_that_start_in_the_same_second_do_not_share_a_folder(tmp_path: Path) -> None:
    runs = {RunDirectory.create(tmp_path, CONFIG, ["seed=1"]).path for _ in range(5)}
    assert len(runs) == 5


def test_a_folder_gives_back_what_it_was_made_with(tmp_path: Path) -> None:
    created = RunDirectory.create(tmp_path, CONFIG, ["seed=1", "name=naïve"])
    run = RunDirectory.open(created.path)
    assert run.config == CONFIG
    assert run.overrides == ["seed=1", "name=naïve"]
    assert run.status["state"] == "running"


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


def test_what_is_no_run_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, CONFIG, [])
    with pytest.raises(UserError, match=f"did you mean '{run.path.name}'"):
        RunDirectory.open(str(run.path)[:-1])


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"value": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"value": object()})
    assert (tmp_path / "a.json").read_text(encoding="utf-8").strip() == '{\n  "value": 1\n}'


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
