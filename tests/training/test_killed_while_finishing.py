"""A run that is killed after its training had ended goes on with what is missing, and comes to the same numbers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from polarity.run import RunDirectory
from polarity.runs.ledger import ledger_of
from polarity.training.run import prepare, resume_run
from tests import command
from tests.command import PATIENCE, ROOT
from tests.running import overrides, train
from tests.sameness import assert_same_runs

EARLY = (
    "trainer.max_epochs=8",
    "callbacks.early_stopping.patience=1",
    "optimizer.lr=1e-5",  # nothing is learnt, so that early stopping ends it
    "scheduler=plateau",
    "scheduler.patience=0",
    "reporting.baselines=false",
)
KILLED = """
import os, signal, sys
from polarity.training import finish, run
from tests.running import composed
setattr(finish, sys.argv[1], lambda *a, **b: os.kill(os.getpid(), signal.SIGKILL))
run.start_run(composed(*sys.argv[2:]), sys.argv[2:], keep_going=False)
"""

KILLED_WRITING = """
import os, signal, sys
from polarity import files
from polarity.training import run
from tests.running import composed
whole = files.synchronise
files.synchronise = lambda path: os.kill(os.getpid(), signal.SIGKILL) if sys.argv[1] in path.name else whole(path)
run.start_run(composed(*sys.argv[2:]), sys.argv[2:], keep_going=False)
"""
KILLED_OF_TWO = """
import os, signal
from polarity import train
from polarity.training import finish
finish.decide = lambda *a, **b: os.kill(os.getpid(), signal.SIGKILL)
train.main()
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """The run that nothing happens to."""
    return train(tmp_path_factory.mktemp("whole"), *EARLY)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["best_checkpoint", "decide", "_write_baselines", "seal"])
def test_a_run_that_had_stopped_early_is_only_finished(stage: str, whole: RunDirectory, tmp_path: Path) -> None:
    arguments = overrides(tmp_path, *EARLY)
    killed = subprocess.run([sys.executable, "-c", KILLED, stage, *arguments], cwd=ROOT, timeout=PATIENCE, check=False)
    assert killed.returncode == -9
    (path,) = (tmp_path / "outputs").glob("2*")
    run = RunDirectory.open(path)
    assert (run.status["state"], run.status["stage"]) == ("stopped", "finishing")
    resume_run(str(path))
    assert_same_runs(whole, run)
    before, after = (json.loads(item.metrics.read_text()) for item in (whole, run))
    assert {name: before[name] for name in ("val", "test", "best")} == {
        name: after[name] for name in ("val", "test", "best")
    }
    assert len((run.history).read_text().splitlines()) < 1 + 8
    test = prepare(run.config).splits.test
    assert test is not None
    assert ledger_of(run.config).evaluations(test.fingerprint()).times == 1


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["trainer.max_steps=9", "trainer.max_time={seconds: 1}"])
def test_a_run_that_a_limit_had_ended_is_only_finished(limit: str, tmp_path: Path) -> None:
    arguments = overrides(tmp_path, *EARLY, limit, "trainer.max_epochs=10000", "callbacks.early_stopping=null")
    killed = subprocess.run([sys.executable, "-c", KILLED, "seal", *arguments], cwd=ROOT, timeout=PATIENCE, check=False)
    assert killed.returncode == -9
    (path,) = (tmp_path / "outputs").glob("2*")
    run = RunDirectory.open(path)
    before = [item.read_bytes() for item in (run.history, run.resume_point, run.predictions("val"))]
    resume_run(str(path))
    assert run.status["state"] == "finished"
    assert [item.read_bytes() for item in (run.history, run.resume_point, run.predictions("val"))] == before


@pytest.mark.slow
@pytest.mark.parametrize("file", ["val.parquet", "manifest.json", "report.html"])
def test_what_was_half_written_is_gone_after_the_next_start(file: str, tmp_path: Path) -> None:
    arguments = overrides(tmp_path, *EARLY, "trainer.max_epochs=1")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_WRITING, file, *arguments], cwd=ROOT, timeout=PATIENCE, check=False
    )
    assert killed.returncode == -9
    (path,) = (tmp_path / "outputs").glob("2*")
    assert [item.name.startswith(f".{file}.") for item in path.rglob(".*.part")] == [True]
    assert not list(path.rglob(file))
    resume_run(str(path))
    assert RunDirectory(path).status["state"] == "finished"
    assert not list(path.rglob(".*.part"))
    assert list(path.rglob(file))


@pytest.mark.slow
def test_a_run_on_two_devices_that_had_ended_is_only_finished(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED_OF_TWO)
    arguments = overrides(tmp_path, *EARLY, "trainer=ddp", "trainer.devices=2", "trainer.max_epochs=1")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    killed = subprocess.run(
        [sys.executable, str(script), *arguments], cwd=tmp_path, env=environment, timeout=PATIENCE, check=False
    )
    assert killed.returncode == -9
    (path,) = (tmp_path / "outputs").glob("2*")
    run = RunDirectory.open(path)
    assert (run.status["state"], run.status["stage"]) == ("stopped", "finishing")
    before = [item.read_bytes() for item in (run.history, run.resume_point)]
    command.run("train", f"resume={path}", folder=tmp_path, real=True)
    assert run.status["state"] == "finished"
    assert [item.read_bytes() for item in (run.history, run.resume_point)] == before
