"""A cross-validation is killed, also between two folds and while it puts them together, and ends as if it had not."""

import random
from pathlib import Path

import pytest

from polarity.run import RunDirectory
from tests.faults.trial import (
    SEED,
    Kill,
    assert_nothing_left,
    assert_undisturbed,
    files_of,
    kills,
    left_alone,
    line,
    runs_in,
    through,
)

pytestmark = pytest.mark.faults

TURNS = 3
FEW = 80
"""Moments that any process of a cross-validation goes through, however little it has left to do."""
SETTINGS = ("folds=2", "trainer.max_epochs=1", "callbacks.resume.minutes=0")


@pytest.fixture(scope="module")
def reference(home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunDirectory, list[str]]:
    """The one that nothing happens to, and its moments."""
    folder = tmp_path_factory.mktemp("reference") / "trial"
    moments = left_alone(folder, "train", *line(home, folder, *SETTINGS)).moments
    (run,) = runs_in(folder)
    return run, moments


@pytest.mark.kills(2)
@pytest.mark.parametrize("turn", range(TURNS))
def test_folds_that_were_killed_twice_end_like_those_that_were_not(
    turn: int, reference: tuple[RunDirectory, list[str]], home: Path, tmp_path: Path
) -> None:
    folder, (whole, moments) = tmp_path / "trial", reference
    again = Kill(random.Random(f"{SEED} folds {turn}").randint(1, FEW))
    run = through(folder, line(home, folder, *SETTINGS), [kills("folds", moments, TURNS)[turn], again])
    for fold in (1, 2):
        assert_undisturbed(RunDirectory(whole.fold(fold)), RunDirectory(run.fold(fold)))
    files, others = ({name for name in files_of(one) if not name.startswith("fold-")} for one in (whole, run))
    assert files == others
    for name in sorted(files):
        if name.startswith(("metrics.json", "model/", "predictions/", "baselines/")):
            assert (whole.path / name).read_bytes() == (run.path / name).read_bytes(), name
    assert run.status["state"] == "finished"
    assert_nothing_left(folder)
    assert list((folder / "temp").iterdir()) == []
