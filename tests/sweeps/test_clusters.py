"""What sweeps promise, where Dask and Ray run their jobs."""

import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from polarity.sweeps.crew import REFUSED
from polarity.sweeps.elsewhere import Given, stop
from polarity.sweeps.local import Processes
from tests import command
from tests.running import overrides, train
from tests.sameness import assert_same_runs
from tests.sweeping import only_sweep, states
from tests.sweeps.clusters import Cluster, dask, ray, working
from tests.sweeps.test_planning import SHORT, planned, small

LINE = (*SHORT, "trainer.log_every_n_steps=1", "model.encoder_dropout=0.2", "trainer.max_epochs=6")
Made = Callable[[Path], AbstractContextManager[Cluster]]
both = pytest.mark.parametrize("cluster", [pytest.param(dask, id="dask"), pytest.param(ray, id="ray")])


@pytest.mark.slow
@both
def test_a_worker_that_is_killed_costs_nothing(cluster: Made, tmp_path: Path) -> None:
    line = ["train", "-m", *overrides(tmp_path, *LINE, rows=120), "seed=0,1,2"]
    with cluster(tmp_path / "workers") as (settings, workers):
        process = command.start(*line, *settings, folder=tmp_path)
        command.kill(working(workers, tmp_path, process))
        said = process.communicate(timeout=command.PATIENCE)[0]
        assert process.returncode == 0, said
        assert states(tmp_path) == ["finished"] * 3
        assert "nothing is missing" in command.run(*line, *settings, folder=tmp_path)
    runs = [job.run for job in only_sweep(tmp_path).jobs]
    attempts = [len(run.environment.read_text().split('"command"')) - 1 for run in runs]
    assert sorted(attempts) == [1, 1, 2], "the one that was cut off has gone on, the others began once"
    for number, run in enumerate(runs):
        alone = tmp_path / f"alone-{number}"
        alone.mkdir()
        assert_same_runs(train(alone, *LINE, f"seed={number}", rows=120), run)


@pytest.mark.slow
@both
def test_a_search_gives_each_free_worker_the_next_trial_and_outlives_one(cluster: Made, tmp_path: Path) -> None:
    search = ("hydra/sweeper=optuna", "hydra.sweeper.trials=4", "optimizer.lr=tag(log,interval(1e-4,1e-2))")
    line = ["train", "-m", *overrides(tmp_path, *LINE, *search, rows=120)]
    with cluster(tmp_path / "workers") as (settings, workers):
        process = command.start(*line, *settings, folder=tmp_path)
        command.kill(working(workers, tmp_path, process))
        said = process.communicate(timeout=command.PATIENCE)[0]
    assert process.returncode == 0, said
    assert states(tmp_path) == ["finished"] * 4
    attempts = [job.run.environment.read_text().count('"command"') for job in only_sweep(tmp_path).jobs]
    assert sorted(attempts) == [1, 1, 1, 2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "cluster", [pytest.param(dask, id="dask"), pytest.param(partial(ray, outside=True), id="ray, from outside")]
)
def test_ctrl_c_reaches_the_workers_and_without_waiting_they_go_on(cluster: Made, tmp_path: Path) -> None:
    line = ["train", "-m", *overrides(tmp_path, *LINE, rows=120), "seed=0"]
    with cluster(tmp_path / "workers") as (settings, workers):
        line += settings
        process = command.start(*line, folder=tmp_path)
        worker = working(workers, tmp_path, process)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=command.PATIENCE)[0]
        assert process.returncode == 130, said
        assert states(tmp_path) == ["interrupted"]
        assert not command.children(worker, "train")
        said = command.run(*line, "hydra.launcher.wait=false", folder=tmp_path)
        assert "whether this goes on or not" in said
        limit = time.monotonic() + command.PATIENCE
        while states(tmp_path) != ["finished"]:
            assert time.monotonic() < limit
            time.sleep(0.2)
    (run,) = (job.run for job in only_sweep(tmp_path).jobs)
    assert len(run.environment.read_text().split('"command"')) == 3, "it has gone on"
    (tmp_path / "alone").mkdir()
    assert_same_runs(train(tmp_path / "alone", *LINE, "seed=0", rows=120), run)


def test_a_job_that_others_have_is_not_run_again(tmp_path: Path) -> None:
    found = planned(tmp_path, "seed=0", "sweep=one")
    (job,) = found.jobs
    given = Given(str(found.path), job.name, {}, {})
    job.claim.take()
    assert given() == REFUSED
    job.claim.release()
    job.run.set_status("finished")
    assert given() == 0
    assert not stop(given.folder, signal.SIGTERM)


def test_a_signal_reaches_a_job_that_was_given_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = small(tmp_path / "sweep", "a")
    given = Given(str(found.path), found.jobs[0].name, {}, {})
    second: list[object] = []

    class AtWork:
        """A process that goes on until it is told to end, or for a while."""

        returncode: int | None = None

        def poll(self) -> int | None:
            if second:
                self.returncode = self.returncode or 1
            else:
                second.append(given())
                second.append(stop(given.folder, signal.SIGTERM))
            return self.returncode

        def send_signal(self, number: int) -> None:
            self.returncode = 128 + number

    monkeypatch.setattr(Processes, "_begin", lambda *_: AtWork())
    assert given() == 0
    assert second == [REFUSED, True]
    assert not stop(given.folder, signal.SIGTERM)
