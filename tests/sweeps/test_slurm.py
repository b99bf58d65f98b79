"""A sweep whose jobs are jobs of a real SLURM, on this machine alone."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from polarity.run import RunDirectory
from tests import command
from tests.cluster import NoClusterError, answer, cluster
from tests.running import overrides
from tests.sameness import assert_close_runs, assert_same_runs
from tests.sweeping import only_sweep, states
from tests.sweeps.test_planning import SHORT
from tests.training.test_devices import NO_DROPOUT

pytestmark = pytest.mark.slow
SLURM = ("hydra/launcher=slurm", "hydra.launcher.cores=1", "hydra.launcher.minutes=30")
DROPOUT = ("model.encoder_dropout=0.2", "sampler=joint", "batching.accumulate=2", "trainer.max_epochs=12")


@pytest.fixture(scope="module")
def slurm() -> Iterator[dict[str, str]]:
    try:
        with cluster() as env:
            path = os.pathsep.join(filter(None, [str(command.ROOT), os.environ.get("PYTHONPATH")]))
            yield {**env, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    except NoClusterError as error:
        pytest.skip(str(error))


def numbers(folder: Path) -> dict[str, str]:
    """SLURM's number of each job that was submitted."""
    found: dict[str, str] = json.loads((only_sweep(folder).path / "slurm" / "jobs.json").read_text())
    return found


def until(happens: object) -> None:
    assert callable(happens)
    limit = time.monotonic() + command.PATIENCE
    while not happens():
        assert time.monotonic() < limit
        time.sleep(0.2)


def logged(run: RunDirectory) -> str:
    return run.log.read_text() if run.log.exists() else ""


def test_a_sweep_is_submitted_once_and_ends_with_all_of_it_finished(slurm: dict[str, str], tmp_path: Path) -> None:
    line = ["-m", *overrides(tmp_path, *SHORT, "seed=0,1,2", *SLURM, rows=120)]
    said = command.run("train", *line, "hydra.launcher.wait=false", "hydra.launcher.jobs=1", folder=tmp_path, env=slurm)
    assert said.count(" of SLURM") == 3
    assert "SLURM runs them, whether this goes on or not" in said
    first = numbers(tmp_path)
    again = command.run("train", *line, folder=tmp_path, env=slurm)
    assert " in SLURM's queue already" in again
    assert " of SLURM\n" not in again
    assert numbers(tmp_path) == first
    assert states(tmp_path) == ["finished"] * 3
    assert "nothing is missing" in command.run("train", *line, folder=tmp_path, env=slurm)


def test_a_job_that_is_preempted_and_one_whose_time_runs_out_go_on(slurm: dict[str, str], tmp_path: Path) -> None:
    line = ["-m", *overrides(tmp_path, *DROPOUT, *SLURM, "seed=0")]
    command.run("train", *line, "hydra.launcher.wait=false", folder=tmp_path, env=slurm)
    (number,) = numbers(tmp_path).values()
    (run,) = (job.run for job in only_sweep(tmp_path).jobs)
    until(lambda: "epoch 2 of" in logged(run))
    answer(slurm, "scontrol", "requeue", number)
    until(lambda: "epoch 6 of" in logged(run))
    answer(slurm, "scancel", "--signal=USR2", number)
    until(lambda: run.recorded.get("error") == "interrupted by SIGUSR2")
    said = command.run("train", *line, folder=tmp_path, env=slurm)
    assert "1 job in SLURM's queue already" in said or "1 finished before" in said, "on a busy machine it comes first"
    assert states(tmp_path) == ["finished"]
    assert [name in logged(run) for name in ("interrupted by SIGTERM", "interrupted by SIGUSR2")] == [True, True]
    assert len(run.environment.read_text().split('"command"')) == 4, "three turns"
    (tmp_path / "whole").mkdir()
    command.run("train", "-m", *overrides(tmp_path / "whole", *DROPOUT, "seed=0"), folder=tmp_path)
    assert_same_runs(only_sweep(tmp_path / "whole").jobs[0].run, run)


def test_a_search_that_is_killed_goes_on_with_what_stands_in_the_queue(slurm: dict[str, str], tmp_path: Path) -> None:
    search = ("hydra/sweeper=optuna", "hydra.sweeper.trials=4", "optimizer.lr=tag(log,interval(1e-4,1e-2))")
    line = ["-m", *overrides(tmp_path, *SHORT, *search, *SLURM, "hydra.launcher.jobs=2", rows=120)]
    process = command.start("train", *line, folder=tmp_path, env=slurm)
    until(lambda: process.poll() is not None or len(list((tmp_path / "outputs").glob("*/slurm/*_submitted.pkl"))) > 1)
    process.kill()
    process.communicate()
    assert process.returncode < 0
    first = numbers(tmp_path)
    command.run("train", *line, folder=tmp_path, env=slurm)
    assert states(tmp_path) == ["finished"] * 4
    assert first.items() <= numbers(tmp_path).items(), "none was submitted twice"
    assert [job.run.environment.read_text().count('"command"') for job in only_sweep(tmp_path).jobs] == [1] * 4
    assert "nothing is missing" in command.run("train", *line, folder=tmp_path, env=slurm)


def test_a_job_of_two_processes_does_what_one_does(slurm: dict[str, str], tmp_path: Path) -> None:
    for name, more in (("one", ()), ("two", ("trainer=ddp", "trainer.devices=2", *SLURM))):
        (tmp_path / name).mkdir()
        line = overrides(tmp_path / name, *SHORT, *NO_DROPOUT, *more, "seed=0")
        command.run("train", "-m", *line, folder=tmp_path, env=slurm)
    assert_close_runs(*(only_sweep(tmp_path / name).jobs[0].run for name in ("one", "two")))


def test_what_slurm_refuses_is_told_in_its_words(slurm: dict[str, str], tmp_path: Path) -> None:
    line = overrides(tmp_path, *SHORT, *SLURM, "hydra.launcher.partition=nowhere", "seed=0", rows=60)
    said = command.run("train", "-m", *line, folder=tmp_path, env=slurm, code=1)
    assert "polarity.train: failed: hydra/launcher=slurm: " in said
    assert "invalid partition specified: nowhere" in said
    assert "nothing was started" not in said
    assert states(tmp_path) == ["waiting"]
