"""Ctrl-C, termination and sudden death: what the folder says afterwards, and that the run can go on."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from polarity.config.cli import ending_in_order, user_errors
from polarity.errors import UserError
from polarity.processes import this_process
from polarity.run import RunDirectory
from polarity.signals import Interrupted
from polarity.train import check
from polarity.training.resuming import resumable
from polarity.training.run import resume_run, start_run
from polarity.training.signals import StopOnSignal
from polarity.training.status import StatusRecorder, exit_code
from tests import command
from tests.misfortune import misfortune
from tests.running import composed, only_run, overrides, train
from tests.sameness import assert_same_runs

SETTINGS = (
    "callbacks.resume.minutes=0",
    "model.encoder_dropout=0.2",
    "sampler=joint",
    "batching.accumulate=2",
    "trainer.log_every_n_steps=1",
)


def stopped(folder: Path, kind: str, code: int) -> RunDirectory:
    """A run that is sent a signal in its second epoch."""
    arguments = overrides(folder, *SETTINGS, misfortune(folder, kind=kind, epoch=1, batch=5))
    with pytest.raises(SystemExit) as stop:
        start_run(composed(*arguments), arguments, keep_going=False)
    assert stop.value.code == code
    return only_run(folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """The run that nothing happens to."""
    return train(tmp_path_factory.mktemp("whole"), *SETTINGS)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name", "code"), [("interrupt", "SIGINT", 130), ("terminate", "SIGTERM", 143)])
def test_a_signal_stops_a_run_which_then_goes_on_as_if_nothing_had_been(
    kind: str, name: str, code: int, whole: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    run = stopped(tmp_path, kind, code)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert run.status["state"] == "failed"
    assert run.status["error"] == f"interrupted by {name}"
    said = capsys.readouterr().out
    assert "The run stopped: interrupted" in said
    assert f"go on with: python -m polarity.train resume={run.path}" in said
    resume_run(str(run.path), trust="tests.misfortune")
    assert_same_runs(whole, run)
    assert logged_steps(run) == logged_steps(whole)


def logged_steps(run: RunDirectory) -> list[int]:
    """At which an objective stands in TensorBoard."""
    steps = list[int]()
    for file in (run.path / "tensorboard").rglob("events*"):
        events = EventAccumulator(str(file)).Reload()
        if "step/objective" in events.Tags()["scalars"]:
            steps += [event.step for event in events.Scalars("step/objective")]
    assert steps
    return sorted(steps)


def test_a_signal_that_python_swallows_is_raised_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Swallowing:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)  # the handler runs between two instructions of Python

    swallowed: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda error: swallowed.append(error.exc_type))
    with StopOnSignal() as stop:
        Swallowing()
        assert swallowed == [Interrupted]
        with pytest.raises(Interrupted, match="SIGTERM"):
            stop.on_train_start(None, None)  # type: ignore[arg-type]


def test_what_a_process_was_started_to_ignore_stays_ignored() -> None:
    """``nohup python -m polarity.train``, and the terminal is closed."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopOnSignal() as stop:
            stop.on_train_start(None, None)  # type: ignore[arg-type]
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.01)
            assert stop.received is None
            assert signal.getsignal(signal.SIGTERM) == stop._stop
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_a_process_was_started_to_hold_back_reaches_it() -> None:
    """Workers of Ray block Ctrl-C, and so does whatever they start."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with StopOnSignal() as stop:
            stop.on_train_start(None, None)  # type: ignore[arg-type]
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            assert stop.received == signal.SIGINT
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_a_sweep_does_not_go_on_after_ctrl_c(tmp_path: Path) -> None:
    arguments = overrides(tmp_path, misfortune(tmp_path, kind="interrupt"))
    with pytest.raises(SystemExit) as stop:
        start_run(composed(*arguments), arguments, keep_going=True)
    assert stop.value.code == 130


@pytest.fixture
def failed(tmp_path: Path) -> RunDirectory:
    """The folder of a run that stopped after it had saved a point to resume from."""
    run = RunDirectory.create(tmp_path, {"seed": 1}, [])
    run.set_status("failed", error="stopped")
    run.checkpoints.mkdir()
    run.resume_point.touch()
    return run


def test_a_run_that_is_worked_on_cannot_be_resumed(failed: RunDirectory) -> None:
    failed.set_status("running", **this_process())
    with pytest.raises(UserError, match=f"is still running, as process {os.getpid()}"):
        resumable(str(failed.path))
    with subprocess.Popen(["true"]) as gone:
        pass
    failed.set_status("running", pid=gone.pid)
    assert resumable(str(failed.path)).path == failed.path


def test_what_a_killed_process_left_does_not_look_like_running(failed: RunDirectory) -> None:
    failed.set_status("running", **this_process())  # alive, but it has given the folder up: its disk was full
    assert RunDirectory(failed.path).status["state"] == "running"
    failed.lock.release()
    assert RunDirectory(failed.path).status["state"] == "stopped"


def test_a_run_is_worked_on_by_one_process_alone(failed: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polarity.training.resuming.LOCK_PATIENCE", 0.1)
    with pytest.raises(UserError, match="another process is at work on it"):
        resume_run(str(failed.path))


def test_what_cannot_be_resumed_is_reported_before_anything_starts(
    failed: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    resume = f"resume={failed.path}"
    check([resume])
    with monkeypatch.context() as led:  # as Lightning starts other processes
        led.setenv("LOCAL_RANK", "1")
        led.setenv("POLARITY_RUN_DIR", str(failed.path))
        check([resume, 'hydra.run.dir="."', "hydra.job.name=train_ddp_process_1"])
    with pytest.raises(UserError, match="keeps its own configuration; also given: seed=3"):
        check([resume, "seed=3"])
    with pytest.raises(UserError, match="only one run, or sweep, can be resumed at a time"):
        check(["-m", resume])
    with pytest.raises(UserError, match=f"did you mean '{failed.path.name}'"):
        check([f"{resume}x"])
    failed.set_status("finished")
    with pytest.raises(UserError, match="finished already"):
        check([resume])


def wait_for(run: RunDirectory, text: str, process: subprocess.Popen[str]) -> None:
    while text not in (run.log.read_text() if run.log.exists() else ""):
        assert process.poll() is None
        time.sleep(0.05)


def started(folder: Path, *arguments: str) -> tuple[subprocess.Popen[str], RunDirectory]:
    """The program, and its run's folder as soon as there is one."""
    process = command.start("train", *arguments, folder=folder, real=True, start_new_session=True)
    while not list((folder / "outputs").glob("2*/config.yaml")):
        assert process.poll() is None
        time.sleep(0.05)
    return process, only_run(folder)


@pytest.mark.slow
@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_in_a_terminal_reaches_all_processes(
    devices: int, number: signal.Signals, code: int, tmp_path: Path
) -> None:
    several = ("trainer=ddp", "trainer.devices=2") if devices > 1 else ()
    process, run = started(tmp_path, *overrides(tmp_path, "trainer.max_epochs=200", *several))
    wait_for(run, "epoch 2 of", process)
    os.killpg(process.pid, number)
    said, _ = process.communicate(timeout=command.PATIENCE)
    assert process.returncode in ({code} if devices == 1 else {code, -signal.SIGKILL})
    assert run.status["error"] == f"interrupted by {number.name}"
    assert said.count("The run stopped: interrupted") == 1
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_run_killed_at_a_random_moment_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    never_ends = misfortune(tmp_path, kind="wait", epoch=5)  # before it is killed
    settings = (*SETTINGS, "trainer.max_epochs=6", "callbacks.early_stopping=null", never_ends)
    process, run = started(tmp_path, *overrides(tmp_path, *settings))
    wait_for(run, "epoch 1 of", process)
    with pytest.raises(UserError, match=f"is still running, as process {process.pid}"):
        resumable(str(run.path))
    time.sleep(random.SystemRandom().uniform(0, 2))
    process.kill()
    process.communicate(timeout=command.PATIENCE)
    assert run.status["state"] == "stopped"
    (tmp_path / "mark of misfortune").touch()
    command.run("train", f"resume={run.path}", "trust=tests.misfortune", folder=tmp_path, real=True)
    straight = tmp_path / "straight"
    straight.mkdir()
    command.run("train", *overrides(straight, *settings), folder=straight, real=True)
    assert_same_runs(only_run(straight), run)


def test_what_early_stopping_has_ended_is_told(tmp_path: Path) -> None:
    still = ("model=ngrams", "model.lr=1e-12", "trainer.max_epochs=6", "trainer.log_every_n_steps=1")
    run = train(tmp_path, *still, "callbacks.early_stopping.patience=2", without=("model",), rows=90)
    said = run.log.read_text(encoding="utf-8")
    assert "epoch 3 of 6" in said
    assert "epoch 4 of 6" not in said
    assert "early stopping: val/macro_f1 was not better in 2 epochs" in said


class HalfBuilt:
    """What a library that was amid something makes of a signal."""

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None:
        raise KeyError("no such flag")


def test_a_signal_that_a_library_hides_is_a_signal_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end, user_errors("refit"), ending_in_order("refit"), HalfBuilt():
        signal.raise_signal(signal.SIGTERM)
    assert end.value.code == 143
    assert capsys.readouterr().err == "polarity.refit: interrupted by SIGTERM\n"
    run = RunDirectory.create(tmp_path, {}, [])
    with pytest.raises(KeyError) as hidden, HalfBuilt():
        raise Interrupted(signal.SIGTERM)
    assert exit_code(hidden.value) == 143
    full = OSError(28, "No space left on device")
    full.__context__ = Interrupted(signal.SIGTERM)
    assert exit_code(full) == 1, "which is told, and not the signal"
    StatusRecorder(run).record(hidden.value)
    assert (run.status["interrupted"], run.status["error"]) == (True, "interrupted by SIGTERM")
    with pytest.raises(SystemExit) as end, user_errors("refit"), ending_in_order("refit"), HalfBuilt():
        pass
    assert end.value.code == 1
