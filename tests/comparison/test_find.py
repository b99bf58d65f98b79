"""Folders, patterns, and what a shell makes of patterns."""

from pathlib import Path

import pytest

from polarity.comparison.find import find_folders
from polarity.errors import UserError
from tests.comparison.made import a_run, noisy, some_labels


@pytest.mark.parametrize("name", ["outputs", "outputs/**", "outputs/2026-sweep", "outputs/*/*"])
def test_a_folder_of_runs_means_those_that_can_be_compared(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = some_labels()
    sweep = tmp_path / "outputs" / "2026-sweep"
    runs = [a_run(sweep / f"run-{n}", labels, noisy(labels, 0.5, n), seed=n) for n in range(3)]
    (runs[2] / "status.json").write_text('{"state": "failed", "error": "no power"}')
    folders = find_folders([name])
    result, notes = list(folders.folders), folders.notes
    assert result == runs[:2]
    assert len(notes) == 1
    assert "run-2: the run failed (no power)" in notes[0]


def test_a_folder_without_any_run_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="is no run's folder"):
        find_folders([str(tmp_path / "empty")])


def test_latest_is_the_run_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "2026-01-31_12-00-00-1a2b3c4d" / "predictions").mkdir(parents=True)
    (tmp_path / "2026-01-31_12-00-00-1a2b3c4d" / "predictions" / "val.parquet").touch()
    (tmp_path / "latest").write_text("2026-01-31_12-00-00-1a2b3c4d\n", encoding="utf-8")
    assert list(find_folders([str(tmp_path / "latest")]).folders) == [tmp_path / "2026-01-31_12-00-00-1a2b3c4d"]


def test_signs_of_patterns_in_the_name_of_a_folder_are_its_name(tmp_path: Path) -> None:
    labels = some_labels(60)
    mine = a_run(tmp_path / "x[1]" / "mine", labels, labels)
    a_run(tmp_path / "x1" / "other", labels, labels)
    assert list(find_folders([str(tmp_path / "x[1]")]).folders) == [mine]


def test_members_of_an_ensemble_are_no_systems_of_their_own(tmp_path: Path) -> None:
    labels = some_labels(60)
    whole = a_run(tmp_path / "whole", labels, labels)
    a_run(whole / "members" / "1-a", labels, labels)
    a_run(whole / "fold-1", labels, labels)
    assert list(find_folders([str(tmp_path / "**")]).folders) == [whole]
