"""A sweep whose jobs run on workers of Dask: processes on this machine, as they would be on others."""

import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from polarity.errors import UserError
from polarity.sweeps.crew import Crew
from polarity.sweeps.dask import cluster as clusters
from polarity.sweeps.dask import problems
from polarity.sweeps.dask.giving import Dask, Order, Workers
from polarity.sweeps.elsewhere import Given
from polarity.train import check
from tests.running import overrides
from tests.sweeping import only_sweep, states, sweep
from tests.sweeps.clusters import free_port
from tests.sweeps.test_planning import SHORT, planned

distributed = pytest.importorskip("distributed", reason="needs the extra polarity[dask]")
DASK = "hydra/launcher=dask"


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
    assert "the same command line goes on" in said
    assert states(tmp_path) == ["waiting"] * 2
    assert not any(job.claim.is_held for job in only_sweep(tmp_path).jobs)


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


@pytest.mark.parametrize("lost", [True, False])
def test_a_sweep_that_cannot_go_on_tells_whom_it_can(
    lost: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the scheduler gone nobody, and nobody is waited for; with a worker that cannot begin all of the others."""
    found, told = planned(tmp_path, "seed=0,1", "sweep=one"), list[int]()
    monkeypatch.setattr("polarity.sweeps.crew.time.sleep", lambda _: found.jobs[1].claim.release())
    ends, runs = Future(None if lost else ModuleNotFoundError("No module named 'polarity'")), Future()
    futures = iter([ends, runs])
    monkeypatch.setattr(ends, "done", lambda: len(crew.workers) == 2)
    monkeypatch.setattr(runs, "done", lambda: len(crew.workers) == 2 and (lost or bool(told)))

    def run(_stop: object, _folder: str, number: int, **_: object) -> dict[str, bool]:
        told.append(number)
        found.jobs[1].claim.release()
        return {"worker": True}

    client: Any = SimpleNamespace(submit=lambda *_, **__: next(futures), run=run)
    crew = Crew(found, Workers(found, client, [{}, {}], {}), {})
    crew.start_more()
    found.jobs[1].claim.take()
    with pytest.raises(UserError, match="the scheduler answers no more" if lost else "a worker could not begin"):
        crew.run()
    assert told == ([] if lost else [signal.SIGTERM])
    said = capsys.readouterr().out
    assert ("the sweep cannot go on: 1 job told to stop" in said, "told to stop" in said) == (not lost, not lost)
    assert found.jobs[1].claim.is_held == lost, "the job of a worker that nobody can tell goes on"
    found.jobs[1].claim.release()


def test_threads_and_places(tmp_path: Path) -> None:
    found = planned(tmp_path, "seed=0,1,2")
    assert Dask(address="tcp://there:1").places(found) == [{}] * 3
    assert Dask(address="tcp://there:1", jobs=2, threads=4).places(found) == [{"OMP_NUM_THREADS": "4"}] * 2
    assert Dask(jobs=2, threads=4).places(found) == [{"OMP_NUM_THREADS": "4"}] * 2


@pytest.mark.slow
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
