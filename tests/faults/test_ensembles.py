"""An ensemble is killed while it is made; the same line again makes it, and nobody finds half of one."""

import json
from pathlib import Path
from typing import Any

import pytest

from polarity.run import RunDirectory
from tests.faults.trial import assert_nothing_left, files_of, killed, kills, left_alone, line, runs_in

pytestmark = pytest.mark.faults

TURNS = 6
OF_TRAINING = ("trainer.max_epochs=1", "reporting.baselines=false")


@pytest.fixture(scope="module")
def members(home: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    found = []
    for seed in (1, 2):
        folder = tmp_path_factory.mktemp(f"seed-{seed}") / "trial"
        left_alone(folder, "train", *line(home, folder, *OF_TRAINING, f"seed={seed}"))
        found += [run.path for run in runs_in(folder)]
    return found


def asked(members: list[Path], folder: Path) -> list[str]:
    """The command line of their ensemble, which writes into ``folder`` alone."""
    runs = ",".join(str(path) for path in members)
    return [f"runs=[{runs}]", "method=average", "gate=false", "test=true", f"output_dir={folder / 'outputs'}"]


def numbers(run: RunDirectory) -> dict[str, Any]:
    """The scores, without how long they took."""
    content: dict[str, Any] = json.loads(run.metrics.read_text(encoding="utf-8"))
    del content["seconds"], content["ensemble"]["rows_per_second"]
    return content


@pytest.fixture(scope="module")
def whole(members: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[RunDirectory, list[str]]:
    """The one that nothing happens to, and its moments."""
    folder = tmp_path_factory.mktemp("reference") / "trial"
    moments = left_alone(folder, "ensemble", *asked(members, folder)).moments
    (run,) = runs_in(folder)
    return run, moments


@pytest.mark.kills(TURNS // 2)
@pytest.mark.parametrize("turn", range(2))
def test_an_ensemble_that_was_killed_is_made_by_the_same_line(
    turn: int, members: list[Path], whole: tuple[RunDirectory, list[str]], tmp_path: Path
) -> None:
    folder, (reference, moments) = tmp_path / "trial", whole
    command = asked(members, folder)
    for kill in kills("ensemble", moments, TURNS)[turn::2]:
        killed(folder, "ensemble", *command, kill=kill)
        assert [run.status["state"] for run in runs_in(folder) if run.status["state"] != "finished"] == []
    left_alone(folder, "ensemble", *command)
    run = RunDirectory.open(folder / "outputs" / "latest")
    assert files_of(run) == files_of(reference)
    for name in sorted(files_of(run)):
        if name.startswith(("model/", "members/", "predictions/")):
            assert (run.path / name).read_bytes() == (reference.path / name).read_bytes(), name
    assert numbers(run) == numbers(reference)
    assert_nothing_left(folder)
    assert list((folder / "temp").iterdir()) == []
