"""The manifest of a run's folder, file by file and section by section, without a run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polarity.errors import UserError
from polarity.files import checksum, write_json
from polarity.run import RunDirectory
from polarity.runs.manifest import check_unchanged, seal

CONFIG = {
    "seed": 1,
    "output_dir": "here",
    "model": {"name": "tiny"},
    "data": {"path": "a.csv", "id": "id", "tasks": {"tone": ["yes", "no"], "topic": ["a", "b"]}},
}
FILES = ("model/weights", "model/rule/decision.json", "predictions/val", "baselines/linear/val", "metrics.json")
LEFT_OUT = ("train.log", "report.html", "model/.cache/x", "checkpoints/last.ckpt")


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    made = RunDirectory.create(tmp_path, CONFIG, [])
    for name in (*FILES, "history.csv", *LEFT_OUT):
        (made.path / name).parent.mkdir(parents=True, exist_ok=True)
        (made.path / name).write_text(name)
    seal(made)
    return made


def problems(run: RunDirectory, *parts: str) -> list[str]:
    with pytest.raises(UserError) as refused:
        check_unchanged(run, *parts)
    return [problem.removeprefix(f"{run.path}/") for problem in refused.value.problems]


def edit(run: RunDirectory, change: Callable[[dict[str, Any]], object]) -> None:
    config = run.written_config
    change(config)
    (run.path / "config.yaml").write_text(json.dumps(config))


def test_it_holds_the_checksum_of_every_file_that_numbers_come_from(run: RunDirectory) -> None:
    content = json.loads(run.manifest.read_text())
    assert content["files"] == {name: checksum(run.path / name) for name in sorted((*FILES, "history.csv"))}
    check_unchanged(run)


def test_all_that_was_changed_removed_or_added_is_reported_at_once(run: RunDirectory) -> None:
    (run.path / "model/weights").write_text("other")
    (run.path / "predictions/val").unlink()
    (run.path / "baselines/new").write_text("new")
    result = problems(run)
    assert [problem.partition(":")[0] for problem in result] == ["model/weights", "predictions/val", "baselines/new"]
    assert ["was changed" in result[0], "no such file" in result[1], "was added" in result[2]] == [True] * 3
    assert [problem.partition(":")[0] for problem in problems(run, "predictions")] == ["predictions/val"]
    assert len(problems(run, "model", "baselines")) == 2
    check_unchanged(run, "metrics.json")


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_no_number_comes_from_may_change(run: RunDirectory, name: str) -> None:
    (run.path / name).write_text("other")
    check_unchanged(run)


CHANGES: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("seed", lambda config: config.update(seed=2)),
    ("seed", lambda config: config.pop("seed")),
    ("extra", lambda config: config.update(extra=1)),
    ("model", lambda config: config["model"].update(name="other")),
    ("data", lambda config: config["data"].update(id="other")),
    ("data", lambda config: config["data"]["tasks"]["tone"].reverse()),
    ("data", lambda config: config["data"].update(tasks=dict(reversed(config["data"]["tasks"].items())))),
]


@pytest.mark.parametrize(("section", "change"), CHANGES, ids=range(len(CHANGES)))
def test_a_setting_that_was_changed_is_reported_by_its_section(
    run: RunDirectory, section: str, change: Callable[[dict[str, Any]], object]
) -> None:
    edit(run, change)
    for parts in ((), ("model",)):
        (problem,) = problems(run, *parts)
        assert problem.startswith(f"config.yaml: {section}: was changed")


def test_where_files_lie_may_change(run: RunDirectory) -> None:
    edit(run, lambda config: (config.update(output_dir="there"), config["data"].update(path="b.csv")))
    check_unchanged(run)


@pytest.mark.parametrize("broken", [{"version": 2}, {"files": []}, {"config": None}])
def test_a_manifest_of_another_kind_is_refused(run: RunDirectory, broken: dict[str, object]) -> None:
    write_json(run.manifest, json.loads(run.manifest.read_text()) | broken)
    assert "is damaged, or of another version" in problems(run)[0]
    run.manifest.unlink()
    assert "there is no such file" in problems(run)[0]
