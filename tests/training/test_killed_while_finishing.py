"""A run that is killed after its training had ended goes on with what is missing, and comes to the same numbers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from polarity.run import RunDirectory
from polarity.runs.ledger import ledger_of
from polarity.training.run import prepare, resume_run
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
