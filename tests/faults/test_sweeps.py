"""A sweep is killed with the job that it runs, or its jobs are; the same line again ends it as if nothing had been."""

import random
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.command import Forked
from tests.faults.dying import PROGRAM
from tests.faults.trial import (
    SEED,
    Kill,
    assert_nothing_left,
    assert_undisturbed,
    killed,
    kills,
    left_alone,
    line,
    plan,
    tell,
)
from tests.sweeping import only_sweep, states, sweep

pytestmark = pytest.mark.faults

TURNS = 3
FEW = 60
"""Moments that any process of a sweep goes through that has a job left."""
OF_JOBS = 3
SETTINGS = (
    "sampler=joint",
    "trainer.max_epochs=2",
    "callbacks.resume.minutes=0",
    "reporting.baselines=false",
    "seed=0,1",
)
ONE_BY_ONE = "hydra/launcher=basic"


@pytest.fixture(scope="module")
def reference(home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The sweep that nothing happens to, and its moments."""
    folder = tmp_path_factory.mktemp("reference") / "trial"
    return folder, left_alone(folder, "train", "-m", *line(home, folder, *SETTINGS, ONE_BY_ONE)).moments


def assert_same_sweeps(reference: Path, folder: Path) -> None:
    jobs, others = ({job.name: job.run for job in only_sweep(place).jobs} for place in (reference, folder))
    assert jobs.keys() == others.keys()
    for name, run in jobs.items():
        assert_undisturbed(run, others[name])
    assert_nothing_left(folder)
    assert (only_sweep(folder).path / "jobs.csv").is_file()


def assert_no_job_runs(folder: Path) -> None:
    if list((folder / "outputs").glob("*/sweep.yaml")):
        assert "running" not in states(folder)


@pytest.mark.kills(3)
@pytest.mark.parametrize("turn", range(TURNS))
def test_a_sweep_that_was_killed_three_times_ends_like_one_that_was_not(
    turn: int, reference: tuple[Path, list[str]], home: Path, tmp_path: Path
) -> None:
    folder, (whole, moments) = tmp_path / "trial", reference
    command = ["-m", *line(home, folder, *SETTINGS, ONE_BY_ONE)]
    draw = random.Random(f"{SEED} sweep {turn}")
    later = [Kill(draw.randint(1, FEW), draw.choice((signal.SIGKILL, signal.SIGTERM))) for _ in range(2)]
    for kill in (kills("sweep", moments, TURNS + 1)[turn], *later):
        killed(folder, "train", *command, kill=kill)
        assert_no_job_runs(folder)
    left_alone(folder, "train", *command)
    assert states(folder) == ["finished"] * 2
    assert_same_sweeps(whole, folder)


@pytest.mark.kills(OF_JOBS)
def test_jobs_that_are_killed_are_interrupted_and_go_on(
    reference: tuple[Path, list[str]], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, (whole, moments) = tmp_path / "trial", reference
    draw = random.Random(f"{SEED} jobs")
    left = [Kill(draw.randint(20, len(moments) // 3)) for _ in range(OF_JOBS)]
    tell(f"jobs: {left}")

    class Dying(Forked):
        """A job's process, which dies, unless enough of them have."""

        def __init__(self, words: list[str], **settings: Any) -> None:
            kill = left.pop() if left else None
            super().__init__([sys.executable, "-c", PROGRAM, plan(folder, kill), *words[2:]], **settings)

    monkeypatch.setattr("tests.sweeping.Forked", Dying)
    command = ["-m", *line(home, folder, *SETTINGS)]
    sweep(*command, code=1)
    assert states(folder) == ["interrupted"] * 2
    assert all("SIGKILL" in str(job.run.status["error"]) for job in only_sweep(folder).jobs)
    sweep(*command, code=1)
    assert sorted(states(folder)) == ["finished", "interrupted"]
    sweep(*command)
    assert states(folder) == ["finished"] * 2
    assert_same_sweeps(whole, folder)
