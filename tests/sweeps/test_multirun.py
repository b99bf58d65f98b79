"""A sweep: each job as if it were alone, in a folder of its own, and one table of all, whatever happens."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from polarity.config.compose import compose_jobs
from polarity.run import RunDirectory
from polarity.sweeps.folder import Sweep
from tests.misfortune import misfortune
from tests.running import overrides, train
from tests.sameness import assert_same_runs
from tests.sweeping import only_sweep, sweep

pytestmark = pytest.mark.slow  # eight real runs, each a process of its own; tests of launching have one or two

SETTINGS = (
    "sampler=joint",
    "model.encoder_dropout=0.2",
    "trainer.max_epochs=2",
    "trainer.log_every_n_steps=1",
    "reporting.baselines=false",
)
SEARCHED = ("loss=ce,focal", "sampler.boosts.tone.none=1.5,3")


@dataclass
class Stage:
    """What one command line has left of the sweep.

    :param states: of the jobs, in their order.
    """

    said: str
    states: list[str]
    table: list[dict[str, str]]
    status: list[dict[str, object]]


@dataclass
class Sweeps:
    """Four jobs, two at a time: one fails, one is killed; then the same line again; then with ``sweep.retry``."""

    folder: Sweep
    first: Stage
    again: Stage
    retried: Stage
    here: Path

    @property
    def runs(self) -> list[RunDirectory]:
        return [job.run for job in self.folder.jobs]


def stage(root: Path, said: str) -> Stage:
    found = only_sweep(root)
    with (found.path / "jobs.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    return Stage(said, [job.state for job in found.jobs], table, [job.run.status for job in found.jobs])


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweeps]:
    root = tmp_path_factory.mktemp("sweep")
    here = root / "here"
    here.mkdir()
    fails = misfortune(root, batch=3)
    killed = misfortune(root, name="second", epoch=1, batch=4, kind="kill")
    line = ["-m", *overrides(root, *SETTINGS, fails, killed, rows=120), *SEARCHED, "seed=5"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        first = stage(root, sweep(*line, "hydra.launcher.jobs=2", code=1))
        again = stage(root, sweep(*line, code=1))
        retried = stage(root, sweep(*line, "sweep.retry=failed"))
        yield Sweeps(only_sweep(root), first, again, retried, here)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As the program under test has it: sums depend on how they are split, in the last bit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_each_job_has_a_folder_and_nothing_else_is_left(swept: Sweeps) -> None:
    names = {run.path.name for run in swept.runs}
    assert len(names) == 4
    others = {"latest", "jobs.csv", "sweep.html", "sweep.yaml", ".lock"}
    assert {path.name for path in swept.folder.path.iterdir()} == names | others
    assert list(swept.here.iterdir()) == []


def test_neither_a_failure_nor_a_kill_of_one_job_ends_the_sweep(swept: Sweeps) -> None:
    assert sorted(swept.first.states) == ["failed", "finished", "finished", "interrupted"]
    failed = swept.first.status[swept.first.states.index("failed")]
    assert "power failure" in str(failed["error"])
    assert "tests/misfortune.py" in str(failed["traceback"])
    killed = swept.first.status[swept.first.states.index("interrupted")]
    assert "ended by SIGKILL" in str(killed["error"])
    assert "1 of 4 jobs failed" in swept.first.said
    assert "1 of 4 jobs interrupted" in swept.first.said


def test_the_same_line_again_runs_what_is_missing_alone(swept: Sweeps) -> None:
    (number,) = [number for number, state in enumerate(swept.first.states, 1) if state == "interrupted"]
    assert [line for line in swept.again.said.splitlines() if line.startswith("job ")] == [
        f"job {number}: {swept.first.table[number - 1]['changed']} (goes on)"
    ]
    assert "2 finished before, 1 failed before" in swept.again.said
    assert sorted(swept.again.states) == ["failed", "finished", "finished", "finished"]
    for before, after in zip(swept.first.status, swept.retried.status, strict=True):
        assert (before["state"] == "finished") == (before == after), "a finished job is not touched"


def test_failed_jobs_are_tried_again_where_that_is_asked_for(swept: Sweeps) -> None:
    assert swept.retried.states == ["finished"] * 4
    assert swept.retried.said.count("\njob ") + swept.retried.said.startswith("job ") == 1


@pytest.mark.parametrize("state", ["interrupted", "failed", "finished"])
def test_a_job_is_what_it_would_be_alone(state: str, swept: Sweeps, tmp_path: Path, one_thread: None) -> None:
    number = swept.first.states.index(state)
    alone = train(tmp_path, *SETTINGS, *swept.runs[number].overrides[-3:], rows=120)
    assert_same_runs(alone, swept.runs[number])


def test_the_table_lists_all_jobs_by_what_they_changed(swept: Sweeps) -> None:
    rows = swept.first.table
    assert [row["folder"] for row in rows] == [run.path.name for run in swept.runs]
    assert [row["changed"] for row in rows] == [
        f"loss={loss} sampler.boosts.tone.none={boost}" for loss in ("ce", "focal") for boost in ("1.5", "3")
    ]
    failed = rows[swept.first.states.index("failed")]
    assert (failed["state"], failed["error"], failed["overall"]) == ("failed", "power failure", "")
    said = swept.retried.said
    table = said[said.index("validation scores of all jobs") :]
    for row, run in zip(swept.retried.table, swept.runs, strict=True):
        metrics = json.loads(run.metrics.read_text())
        assert float(row["monitored"]) == metrics["best"]["value"]
        assert float(row["overall"]) == metrics["crossfit"]["val"]["overall"]
        assert float(row["tone/macro_f1"]) == metrics["crossfit"]["val"]["tasks"]["tone"]["macro_f1"]
        assert int(row["best epoch"]) == metrics["best"]["epoch"] + 1
        (line,) = [line for line in table.splitlines() if run.path.name in line]
        assert row["changed"].split()[0] in line
        assert f"{metrics['crossfit']['val']['overall']:.4f}" in line


def test_the_best_job_is_marked_and_its_score_corrected(swept: Sweeps) -> None:
    rows = swept.retried.table
    best = max(rows, key=lambda row: float(row["overall"]))
    assert [row["chosen"] for row in rows if row["chosen"]] == ["best of 4, chosen on these rows"]
    assert best["chosen"]
    assert float(best["corrected"]) <= float(best["overall"])
    assert float(best["corrected_low"]) < float(best["corrected"]) < float(best["corrected_high"])
    assert "is the best of 4, chosen on these rows" in " ".join(swept.retried.said.split())


def test_seeds_losses_and_boosts_can_be_swept_together(tmp_path: Path) -> None:
    searched = ("seed=0,1,2", "loss=ce,focal", "sampler=joint", "sampler.boosts.topic.war=1,2")
    jobs = compose_jobs("train", overrides(tmp_path, *searched), config_dir=None, multirun=True)
    settings = {(job.config.seed, job.config.loss._target_, job.config.sampler.boosts.topic.war) for job in jobs}
    assert len(jobs) == len(settings) == 12
