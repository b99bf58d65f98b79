"""Searches whose jobs run on engines: threads of a worker of Dask, a queue that stands for SLURM's."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from optuna.trial import TrialState

from polarity.errors import UserError
from polarity.files import write_json
from polarity.processes import this_process
from polarity.run import RunDirectory
from polarity.signals import Interrupted
from polarity.sweeps import crew
from polarity.sweeps.crew import REFUSED, Engine, Place, Worker
from polarity.sweeps.dask.giving import Dask
from polarity.sweeps.folder import Sweep
from polarity.sweeps.job import Job
from polarity.sweeps.search import run as searching
from polarity.sweeps.search.trials import Trials
from polarity.sweeps.slurm import one_by_one, queue
from polarity.sweeps.slurm.submitting import Slurm
from polarity.train import check
from tests.running import overrides
from tests.sweeps.searching import QUICK, RATE, asked, run, starts, trials
from tests.sweeps.test_planning import small
from tests.verbs import outcome_of

PRUNED = ("trainer.max_epochs=3", "hydra.sweeper.pruner=median", "hydra.sweeper.trials=8")


class Slow:
    """In the place of submitit and SLURM: jobs are processes, of which so many run as there were submitted."""

    def __init__(self) -> None:
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.most = 0
        self.looks = 0

    def executor(self, **_: Any) -> Any:
        """In the place of submitit's."""
        return SimpleNamespace(update_parameters=lambda **_: None, submit_array=self.submit)

    def submit(self, tasks: Any) -> list[Any]:
        """Start them."""
        for task in tasks:
            words = [sys.executable, QUICK, f"resume={Path(task.sweep) / task.name}"]
            self.processes[str(len(self.processes))] = subprocess.Popen(words)
            self.most = max(self.most, len(self.queue("")))
        return [SimpleNamespace(job_id=number) for number in list(self.processes)[-len(tasks) :]]

    def queue(self, _: str) -> set[str]:
        """The numbers of those that go on."""
        self.looks += 1
        return {number for number, process in self.processes.items() if process.poll() is None}


@pytest.fixture
def slurm(monkeypatch: pytest.MonkeyPatch) -> Slow:
    made = Slow()
    monkeypatch.setattr("submitit.SlurmExecutor", made.executor)
    monkeypatch.setattr(queue, "_queue", made.queue)
    monkeypatch.setattr(one_by_one, "PAUSE", 0.0)
    monkeypatch.setattr(one_by_one, "cancel", lambda number: made.processes[number].terminate())
    return made


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["dask", "slurm"])
def test_runs_elsewhere_are_ended_early_as_well(engine: str, slurm: Slow, tmp_path: Path) -> None:
    engine_of = Dask(jobs=1).engine if engine == "dask" else Slurm(jobs=1).engine
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUICK_WAITS", "true")
        sweep = run(asked(tmp_path, RATE, *PRUNED).path, engine_of=engine_of)
    assert {job.state for job in sweep.jobs} == {"finished", "pruned"}
    assert {trial.state for trial in trials(sweep)} == {TrialState.COMPLETE, TrialState.PRUNED}
    assert starts(run(sweep.path, engine_of=engine_of)) == [1] * 8
    assert slurm.most == (engine == "slurm")


@pytest.mark.slow
def test_what_stands_in_the_queue_is_waited_for_by_the_next_line(
    slurm: Slow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QUICK_EPOCH", "1")
    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/usr/bin/{name}")
    sweep = asked(tmp_path, RATE, "trainer.max_epochs=2", "hydra.sweeper.trials=5")
    said = outcome_of("train", f"resume={sweep.path}", "hydra/launcher=slurm")
    assert said[0] == 2
    assert "hydra.launcher.jobs: a search has to know how many" in " ".join(said[1].split())
    submit = slurm.submit

    def stopped(tasks: Any) -> list[Any]:
        monkeypatch.setattr(slurm, "submit", submit)
        os.kill(os.getpid(), signal.SIGINT)
        return submit(tasks)

    monkeypatch.setattr(slurm, "submit", stopped)
    with pytest.raises(Interrupted):
        run(sweep.path, engine_of=Slurm(jobs=2).engine)
    assert "the jobs stay with SLURM" in capsys.readouterr().out
    assert [process.poll() for process in slurm.processes.values()] == [None]
    sweep = run(sweep.path, engine_of=Slurm(jobs=2).engine)
    assert "1 job in SLURM's queue already" in capsys.readouterr().out
    assert [job.state for job in sweep.jobs] == ["finished"] * 5
    assert starts(sweep) == [1] * 5
    assert slurm.most == 2


def test_what_a_search_needs_of_an_engine(tmp_path: Path) -> None:
    line = overrides(tmp_path, "hydra/sweeper=optuna", RATE, "hydra/launcher=slurm", "hydra.launcher.wait=false")
    with pytest.raises(UserError) as error:
        check(["-m", *line])
    for text in ("jobs: a search has to know how many", "wait: a search proposes values when jobs have ended"):
        assert f"hydra.launcher.{text}" in str(error.value)


@pytest.mark.parametrize("error", [UserError("squeue does not answer"), OSError("sbatch: no more jobs")])
def test_an_answer_of_slurm_that_fails_is_waited_for(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_by_one, "PAUSE", 0.0)
    found = small(tmp_path / "sweep", "a")
    asked_of: Any = SimpleNamespace(in_queue=dict)
    submit = Mock(side_effect=[error, error, {found.jobs[0].name: "7"}])
    places = one_by_one.Queue(found, asked_of, 1, submit)
    started = [places.start(found.jobs[0], {}, {}) for _ in range(3)]
    assert [worker is None for worker in started] == [True, True, False]


def test_what_slurm_refuses_again_and_again_ends_the_search_unless_jobs_of_it_stand_in_the_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_by_one, "PAUSE", 0.0)
    first, second = small(tmp_path / "sweep", "ab").jobs
    there = {first.name: "7"}
    asked_of: Any = SimpleNamespace(in_queue=lambda: dict(there))
    places = one_by_one.Queue(
        Sweep.open(tmp_path / "sweep"), asked_of, 2, Mock(side_effect=OSError("no such partition"))
    )
    assert [places.start(second, {}, {}) for _ in range(2 * one_by_one.REFUSALS)] == [None] * 2 * one_by_one.REFUSALS
    there.clear()
    with pytest.raises(OSError, match="no such partition"):
        places.start(second, {}, {})


class Late(Engine):
    """Another process is always at a job first, and ends it as soon as this one knows."""

    places = ({},)

    def __init__(self) -> None:
        self.taken: list[RunDirectory] = []

    def start(self, job: Job, place: Place, retried: object) -> Worker:
        run = job.run
        run.lock.take()
        run.set_status("running", **this_process())
        self.taken.append(run)
        process: Any = SimpleNamespace(returncode=REFUSED, poll=lambda: REFUSED)
        return Worker(job, process, place, run.recorded)

    def end(self) -> None:
        """What the other process has done by then."""
        run = self.taken[-1]
        write_json(run.metrics, {"best": {"value": 0.5}})
        run.set_status("finished")
        run.lock.release()


@pytest.mark.slow
def test_what_another_process_was_faster_with_is_waited_for_and_what_follows_from_it_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (crew, searching):
        monkeypatch.setattr(module, "PAUSE_FOR_OTHERS", 0.0)
    late, next_jobs = Late(), Trials.next_jobs

    def ended_meanwhile(self: Trials, room: int, tried: Collection[str] = ()) -> list[Job]:
        listed = next_jobs(self, room, tried)
        if any(job.recorded == "running" for job in listed):
            late.end()
        return listed

    monkeypatch.setattr(Trials, "next_jobs", ended_meanwhile)
    sweep = asked(tmp_path, RATE, "hydra.sweeper.trials=1", "hydra.sweeper.seeds=2")
    sweep = run(sweep.path, engine_of=lambda _: nullcontext(late))
    assert [job.state for job in sweep.jobs] == ["finished"] * 2
    assert [trial.value for trial in trials(sweep)] == [0.5]
