"""A sweep whose jobs run on workers of Dask: processes on this machine, as they would be on others."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from polarity.errors import UserError
from polarity.sweeps.crew import REFUSED
from polarity.sweeps.dask import cluster as clusters
from polarity.sweeps.dask import problems
from polarity.sweeps.dask.giving import Dask, Order, Workers
from polarity.sweeps.dask.within import Given, stop
from polarity.train import check
from tests import command
from tests.running import overrides, train
from tests.sameness import assert_same_runs
from tests.sweeping import only_sweep, states, sweep
from tests.sweeps.test_planning import SHORT, planned

distributed = pytest.importorskip("distributed", reason="needs the extra polarity[dask]")
DASK = "hydra/launcher=dask"
LINE = (*SHORT, "trainer.log_every_n_steps=1", "model.encoder_dropout=0.2", "trainer.max_epochs=6")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def dask(*words: str) -> Iterator[psutil.Popen]:
    """A scheduler, or a worker, which ends with the block."""
    path = os.pathsep.join(filter(None, [str(command.ROOT), os.environ.get("PYTHONPATH")]))
    env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    program = [sys.executable, "-W", "ignore", "-m", f"distributed.cli.dask_{words[0]}"]
    process = psutil.Popen([*program, *words[1:]], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        with suppress(psutil.NoSuchProcess):
            process.kill()
        process.wait()


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[psutil.Popen]]]:
    """The address of a scheduler, and its two workers, each of which runs one job at a time."""
    address = f"tcp://127.0.0.1:{free_port()}"
    own = ["--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--local-directory", str(folder)]
    with ExitStack() as stack:
        place = ["--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard"]
        stack.enter_context(dask("scheduler", *place))
        yield address, [stack.enter_context(dask("worker", address, *own)) for _ in range(2)]


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_nothing(tmp_path: Path) -> None:
    line = ["train", "-m", *overrides(tmp_path, *LINE, rows=120), "seed=0,1,2", DASK]
    with cluster(tmp_path / "dask") as (address, workers):
        process = command.start(*line, f"hydra.launcher.address={address}", folder=tmp_path)
        command.kill(working(workers, tmp_path, process))
        said = process.communicate(timeout=command.PATIENCE)[0]
        assert process.returncode == 0, said
        assert states(tmp_path) == ["finished"] * 3
        again = command.run(*line, f"hydra.launcher.address={address}", folder=tmp_path)
        assert "nothing is missing" in again
    runs = [job.run for job in only_sweep(tmp_path).jobs]
    attempts = [len(run.environment.read_text().split('"command"')) - 1 for run in runs]
    assert sorted(attempts) == [1, 1, 2], "the one that was cut off has gone on, the others began once"
    for number, run in enumerate(runs):
        alone = tmp_path / f"alone-{number}"
        alone.mkdir()
        assert_same_runs(train(alone, *LINE, f"seed={number}", rows=120), run)


@pytest.mark.slow
def test_a_search_gives_each_free_worker_the_next_trial_and_outlives_one(tmp_path: Path) -> None:
    search = ("hydra/sweeper=optuna", "hydra.sweeper.trials=4", "optimizer.lr=tag(log,interval(1e-4,1e-2))")
    line = ["train", "-m", *overrides(tmp_path, *LINE, *search, rows=120), DASK]
    with cluster(tmp_path / "dask") as (address, workers):
        process = command.start(*line, f"hydra.launcher.address={address}", folder=tmp_path)
        command.kill(working(workers, tmp_path, process))
        said = process.communicate(timeout=command.PATIENCE)[0]
    assert process.returncode == 0, said
    assert states(tmp_path) == ["finished"] * 4
    attempts = [job.run.environment.read_text().count('"command"') for job in only_sweep(tmp_path).jobs]
    assert sorted(attempts) == [1, 1, 1, 2]


@pytest.mark.slow
def test_ctrl_c_reaches_the_workers_and_without_waiting_they_go_on(tmp_path: Path) -> None:
    line = ["train", "-m", *overrides(tmp_path, *LINE, rows=120), "seed=0", DASK]
    with cluster(tmp_path / "dask") as (address, workers):
        line.append(f"hydra.launcher.address={address}")
        process = command.start(*line, folder=tmp_path)
        worker = working(workers, tmp_path, process)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=command.PATIENCE)[0]
        assert process.returncode == 130, said
        assert states(tmp_path) == ["interrupted"]
        assert worker.children() == []
        said = command.run(*line, "hydra.launcher.wait=false", folder=tmp_path)
        assert "whether this goes on or not" in said
        limit = time.monotonic() + command.PATIENCE
        while states(tmp_path) != ["finished"]:
            assert time.monotonic() < limit
            time.sleep(0.2)
    (run,) = (job.run for job in only_sweep(tmp_path).jobs)
    (tmp_path / "alone").mkdir()
    assert_same_runs(train(tmp_path / "alone", *LINE, "seed=0", rows=120), run)


def working(workers: list[psutil.Popen], folder: Path, sweep: "subprocess.Popen[str]") -> psutil.Popen:
    """A worker whose job has saved where it stands."""
    limit = time.monotonic() + command.PATIENCE
    while time.monotonic() < limit:
        saved = [path.parent.parent.name for path in (folder / "outputs").glob("*/*/checkpoints/last.ckpt")]
        for worker in workers:
            lines = [" ".join(child.cmdline()) for child in worker.children() if child.is_running()]
            if any(name in text for name in saved for text in lines):
                return worker
        assert sweep.poll() is None, sweep.communicate()[0]
        time.sleep(0.1)
    pytest.fail("no job has begun")


def line(folder: Path, *more: str) -> list[str]:
    return ["-m", *overrides(folder, *SHORT, "trainer.log_every_n_steps=1", rows=60), DASK, *more]


@pytest.mark.slow
def test_workers_of_this_machine_run_what_is_missing(tmp_path: Path) -> None:
    said = sweep(*line(tmp_path, "seed=0", "hydra.launcher.threads=1"))
    assert states(tmp_path) == ["finished"]
    assert said.count("given to Dask") == 1
    assert said.count("job 1 ended: ") == 1
    assert "nothing is missing" in sweep(f"resume={only_sweep(tmp_path).path}", DASK)


@pytest.mark.slow
def test_ctrl_c_ends_what_runs_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give = Workers.start

    def interrupted(self: Workers, *given: object) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return give(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Workers, "start", interrupted)
    said = sweep(*line(tmp_path, "seed=0,1"), code=130)
    assert "job 2: " not in said
    assert "the same command line goes on with them" in said
    assert states(tmp_path) == ["waiting"] * 2
    assert not any(job.claim.is_held for job in only_sweep(tmp_path).jobs)


def test_a_job_that_others_have_is_not_run_again(tmp_path: Path) -> None:
    found = planned(tmp_path, "seed=0", "sweep=one")
    (job,) = found.jobs
    given = Given(str(found.path), job.name, {}, {})
    job.claim.take()
    assert given() == REFUSED
    job.claim.release()
    job.run.set_status("finished")
    assert given() == 0
    assert not stop(str(job.path), signal.SIGTERM)


class Future:
    """What a scheduler that is gone, or has lost one worker after the other, leaves of an order."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def done(self) -> bool:
        return True

    def cancelled(self) -> bool:
        return self.error is None

    def exception(self) -> Exception | None:
        return self.error


def test_what_becomes_of_an_order_without_a_scheduler_or_a_worker(tmp_path: Path) -> None:
    def order(error: Exception | None = None) -> Order:
        client: Any = SimpleNamespace(submit=lambda *_, **__: Future(error))
        return Order(client, job, Given(str(found.path), job.name, {}, {}))

    found = planned(tmp_path, "seed=0", "sweep=one")
    (job,) = found.jobs
    with pytest.raises(UserError, match="the scheduler answers no more"):
        order().poll()
    assert order(distributed.KilledWorker("job", 3, 3)).poll() == 0
    with pytest.raises(UserError, match="a worker could not begin: No module named 'polarity'"):
        order(ModuleNotFoundError("No module named 'polarity'")).poll()
    stopped = order()
    stopped.send_signal(signal.SIGTERM)
    assert stopped.poll() == 0


def test_a_signal_that_comes_while_the_workers_are_told_of_another_one_is_passed_on_as_well(tmp_path: Path) -> None:
    found, told = planned(tmp_path, "seed=0", "sweep=one"), list[int]()

    def run(_stop: object, _folder: str, number: int, **_: object) -> dict[str, bool]:
        if not told:
            order.send_signal(signal.SIGTERM)
        told.append(number)
        return {"worker": True}

    client: Any = SimpleNamespace(submit=lambda *_, **__: SimpleNamespace(done=lambda: False), run=run)
    order = Order(client, found.jobs[0], Given(str(found.path), found.jobs[0].name, {}, {}))
    order.send_signal(signal.SIGINT)
    assert [order.poll() for _ in range(3)] == [None] * 3
    assert told == [signal.SIGINT, signal.SIGTERM]


def test_threads_and_places(tmp_path: Path) -> None:
    found = planned(tmp_path, "seed=0,1,2")
    assert Dask(address="tcp://there:1").places(found) == [{}] * 3
    assert Dask(address="tcp://there:1", jobs=2, threads=4).places(found) == [{"OMP_NUM_THREADS": "4"}] * 2
    assert Dask(jobs=2, threads=4).places(found) == [{"OMP_NUM_THREADS": "4"}] * 2


def test_what_stands_against_it_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*more: str) -> tuple[str, ...]:
        with pytest.raises(UserError) as error:
            check(line(tmp_path, *more, "seed=0"))
        return error.value.problems

    monkeypatch.setattr(clusters, "ANSWER", 0.5)
    (nobody,) = refused(f"hydra.launcher.address=tcp://127.0.0.1:{free_port()}")
    assert nobody.startswith("hydra.launcher.address: no scheduler of Dask answers at tcp://127.0.0.1")
    assert refused("hydra.launcher.address=nonsense://here")[0].startswith("hydra.launcher.address: no scheduler")
    for key in ("wait: false needs an address", "jobs: with wait=false"):
        assert any(key in text for text in refused("hydra.launcher.wait=false", "hydra.launcher.jobs=2"))
    assert "hydra.launcher.threads: must be" in refused("hydra.launcher.threads=0")[0]
    monkeypatch.setattr(problems, "find_spec", lambda _: None)
    assert "pip install 'polarity[dask]'" in refused()[0]
    assert not (tmp_path / "outputs").exists()
