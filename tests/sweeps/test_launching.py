"""Who runs the jobs of a sweep, and what a signal does to them."""

import json
import os
import signal
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from polarity.errors import UserError
from polarity.run import RunDirectory
from polarity.sweeps.crew import Crew, Worker
from polarity.sweeps.folder import Sweep
from polarity.sweeps.job import Job
from polarity.sweeps.local import LocalWorker, Processes
from polarity.sweeps.places import Place, places_of, shares_of_cores
from polarity.training import run as training_run
from polarity.training.status import StatusRecorder
from tests.running import composed, overrides
from tests.sameness import assert_close_runs
from tests.sweeping import only_sweep, states, sweep
from tests.sweeps.test_planning import SHORT, planned
from tests.training.test_devices import NO_DROPOUT, TWO


@pytest.mark.slow
def test_a_run_returns_its_best_monitored_score(tmp_path: Path) -> None:
    arguments = overrides(tmp_path, "trainer.max_epochs=3")
    best = training_run.start_run(composed(*arguments), arguments, keep_going=False)
    run = RunDirectory.open(tmp_path / "outputs" / "latest")
    assert best == json.loads(run.metrics.read_text())["best"]["value"]


@pytest.mark.slow
def test_a_job_may_have_several_processes_and_does_what_one_does(tmp_path: Path) -> None:
    for name, more in (("one", ()), ("two", TWO)):
        (tmp_path / name).mkdir()
        sweep("-m", *overrides(tmp_path / name, *SHORT, *NO_DROPOUT, *more, rows=120), "seed=0")
    one, two = (only_sweep(tmp_path / name).jobs[0].run for name in ("one", "two"))
    assert "2 x cpu" in two.log.read_text()
    assert_close_runs(one, two)


def test_a_run_that_trains_shows_that_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polarity.training.status.HEARTBEAT", -1.0)
    run = RunDirectory.create(tmp_path, {}, [])
    os.utime(run.path / "status.json", (0, 0))
    assert run.last_sign > 1e6
    StatusRecorder(run).on_train_batch_end()
    assert run.last_sign < 100
    run.lock.release()


def test_where_no_system_tells_which_cores_there_are_all_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on macOS
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert shares_of_cores(2) == [{"OMP_NUM_THREADS": "3"}] * 2


@pytest.mark.slow
def test_one_after_the_other_in_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **named: object) -> None:
        raise MemoryError("no room for the encoder")

    line = (
        "-m",
        *overrides(tmp_path, *SHORT, rows=120),
        "trainer.log_every_n_steps=1",
        "hydra/launcher=basic",
        "seed=0,1",
    )
    with monkeypatch.context() as patch:
        patch.setattr("polarity.training.assembled.MultiTaskModule", broken)
        said = sweep(*line, code=1)
    assert states(tmp_path) == ["failed", "failed"]
    assert [job.run.status["error"] for job in only_sweep(tmp_path).jobs] == ["no room for the encoder"] * 2
    assert "2 of 2 jobs failed" in said
    assert "2 failed before" in sweep(f"resume={only_sweep(tmp_path).path}", "hydra/launcher=basic", code=1)
    sweep(f"resume={only_sweep(tmp_path).path}", "sweep.retry=failed", "hydra/launcher=basic")
    assert states(tmp_path) == ["finished", "finished"]


@pytest.mark.slow
def test_ctrl_c_ends_all_jobs_and_begins_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken_on = Crew._takes_on

    def interrupted(self: Crew, worker: Worker) -> None:
        taken_on(self, worker)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Crew, "_takes_on", interrupted)
    said = sweep("-m", *overrides(tmp_path, *SHORT), "seed=0,1", code=130)
    assert "jobs.csv" in said, "the table"
    assert "job 1: seed=0" in said
    assert "job 2: " not in said
    assert states(tmp_path) == ["waiting", "waiting"]
    assert "2 of 2 jobs waiting; the same command line goes on" in said


@pytest.mark.slow
def test_a_process_that_ends_before_it_knows_its_run_is_one_failed_job(tmp_path: Path) -> None:
    line = ("-m", *overrides(tmp_path, *SHORT, rows=60), "seed=0", "sweep=one")
    found = planned(tmp_path, "seed=0", "sweep=one")
    config = found.jobs[0].path / "config.yaml"
    config.write_text(config.read_text("utf-8").replace("losses.focal.FocalLoss", "losses.focal.Nothing"), "utf-8")
    sweep(f"resume={found.path}", code=1)
    assert states(tmp_path) == ["failed"]
    assert "Nothing" in str(found.jobs[0].run.status["error"])
    assert "1 failed before" in sweep(*line, code=1)


def test_a_sweep_that_cannot_go_on_leaves_no_job_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a search whose rows are others by now."""
    found = planned(tmp_path, "seed=0,1", "sweep=one")
    crew, told = Crew(found, Processes(found, [{}, {}]), {}), []
    process = SimpleNamespace(returncode=None, poll=lambda: process.returncode, send_signal=told.append)

    def start(job: Job, place: Place, _: object) -> Worker:
        if crew.workers:
            raise UserError("data: other rows")
        return LocalWorker(job, process, place, {}, said=BytesIO())  # type: ignore[arg-type] - has begun since

    def ends(_: float) -> None:
        assert told == [signal.SIGTERM]
        process.returncode = 143

    monkeypatch.setattr(crew.engine, "start", start)
    monkeypatch.setattr("polarity.sweeps.crew.time.sleep", ends)
    with pytest.raises(UserError, match=r"^data: other rows$"):
        crew.run()
    assert (crew.workers, process.returncode) == ([], 143)


def test_a_job_that_a_killed_sweep_has_left_running_is_waited_for(tmp_path: Path) -> None:
    found = planned(tmp_path, "seed=0", "sweep=one")
    (job,), left = found.jobs, found.jobs[0].run
    crew = Crew(found, Processes(found, [{}]), {})

    def refused() -> None:
        process, crew.left = SimpleNamespace(returncode=2), []
        crew.workers = [LocalWorker(job, process, {}, job.run.recorded, said=BytesIO(b"at work"))]  # type: ignore[arg-type]
        crew._ended(crew.workers[0])

    left.lock.take()
    refused()
    assert (job.recorded, crew.left, crew.workers) == ("waiting", [job], [])
    left.lock.release()
    refused()
    assert (job.recorded, crew.left) == ("failed", [])
    assert job.run.status["error"] == "at work"


@pytest.mark.parametrize(("code", "kills", "state"), [(-9, 1, "failed"), (137, 1, "failed"), (-9, 0, "interrupted")])
def test_a_job_that_the_kernel_has_ended_for_want_of_memory_has_failed(
    code: int, kills: int, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = tmp_path / "vmstat"
    counts.write_text("pgfault 1\noom_kill 3\nunevictable_pgs_culled 0\n")
    monkeypatch.setattr("polarity.sweeps.memory.COUNTS", counts)
    found = planned(tmp_path, "seed=0", "sweep=one")
    (job,), crew = found.jobs, Crew(found, Processes(found, [{}]), {})
    counts.write_text(f"oom_kill {3 + kills}\n")
    process = SimpleNamespace(returncode=code)
    crew.workers = [LocalWorker(job, process, {}, job.run.recorded, said=BytesIO())]  # type: ignore[arg-type]
    crew._ended(crew.workers[0])
    assert job.recorded == state
    assert "memory ran out" in str(job.run.status["error"])


@pytest.mark.parametrize(
    ("code", "state", "error"),
    [
        (-11, "interrupted", "its process was ended by SIGSEGV: it crashed, or somebody ended it"),
        (255, "failed", "its process ended with code 255"),
        (-40, "failed", "its process ended with code -40"),
    ],
)
def test_how_a_process_has_ended_is_told(code: int, state: str, error: str, tmp_path: Path) -> None:
    found = planned(tmp_path, "seed=0", "sweep=one")
    (job,), crew = found.jobs, Crew(found, Processes(found, [{}]), {})
    process = SimpleNamespace(returncode=code)
    crew.workers = [LocalWorker(job, process, {}, job.run.recorded, said=BytesIO())]  # type: ignore[arg-type]
    crew._ended(crew.workers[0])
    assert (job.recorded, job.run.status["error"]) == (state, error)


@pytest.mark.parametrize(
    ("jobs", "gpus", "visible", "places"),
    [
        (None, 0, None, [{}]),
        (2, 0, None, [{"OMP_NUM_THREADS": "2"}] * 2),
        (None, 2, None, [{"CUDA_VISIBLE_DEVICES": "0"}, {"CUDA_VISIBLE_DEVICES": "1"}]),
        (None, 2, "5,7", [{"CUDA_VISIBLE_DEVICES": "5"}, {"CUDA_VISIBLE_DEVICES": "7"}]),
        (3, 2, None, [{"CUDA_VISIBLE_DEVICES": number} for number in "010"]),
    ],
)
def test_cores_and_gpus_are_shared_out(
    jobs: int | None, gpus: int, visible: str | None, places: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
    monkeypatch.setattr("polarity.sweeps.places._cores", lambda: 4)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    empty = Sweep("nowhere")
    empty.__dict__["jobs"] = []
    assert places_of(empty, jobs) == places
