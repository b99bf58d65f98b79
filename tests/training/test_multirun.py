"""A sweep: each job as if it were alone, in a folder of its own, and one table of all."""

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from polarity.config.compose import compose_jobs
from polarity.reports.sweep import SweepTable
from polarity.run import RunDirectory
from polarity.training import run as training_run
from tests import command
from tests.misfortune import misfortune
from tests.running import composed, overrides, train
from tests.sameness import assert_same_runs
from tests.verbs import outcome_of

SETTINGS = ("sampler=joint", "model.encoder_dropout=0.2", "trainer.max_epochs=1")


@dataclass
class Sweep:
    """The jobs of a sweep in their order, and what the program said.

    :param here: the folder in which it was started.
    """

    folder: Path
    jobs: list[RunDirectory]
    said: str
    here: Path


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Two losses and two boosts; the first of the four jobs fails in its training."""
    root = tmp_path_factory.mktemp("sweep")
    here = root / "here"
    here.mkdir()
    swept = ("loss=ce,focal", "sampler.boosts.tone.none=1.5,3", "seed=5")
    arguments = overrides(root, *SETTINGS, misfortune(root, batch=3), *swept)
    said = command.run("train", "-m", *arguments, folder=here, code=1)
    (folder,) = (root / "outputs").iterdir()
    jobs = [RunDirectory.open(path.parent) for path in folder.glob("2*/status.json")]
    return Sweep(folder, sorted(jobs, key=lambda job: job.status["started"]), said, here)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As the program under test has it: sums depend on how they are split, in the last bit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_each_job_has_a_folder_and_nothing_else_is_left(sweep: Sweep) -> None:
    assert [job.status["state"] for job in sweep.jobs] == ["failed", "finished", "finished", "finished"]
    assert {path.name for path in sweep.folder.iterdir()} == {
        *(job.path.name for job in sweep.jobs),
        "latest",
        "jobs.csv",
        "multirun.yaml",
    }
    assert list(sweep.here.iterdir()) == []


def test_a_failing_job_does_not_end_the_sweep(sweep: Sweep) -> None:
    failed = sweep.jobs[0]
    assert "power failure" in failed.status["error"]
    assert "tests/misfortune.py" in failed.status["traceback"]
    assert "1 of 4 jobs failed" in sweep.said


def test_the_table_lists_all_jobs_by_what_they_changed(sweep: Sweep) -> None:
    with (sweep.folder / "jobs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["folder"] for row in rows] == [job.path.name for job in sweep.jobs]
    assert [row["changed"] for row in rows] == [
        f"loss={loss} sampler.boosts.tone.none={boost}" for loss in ("ce", "focal") for boost in ("1.5", "3")
    ]
    assert (rows[0]["state"], rows[0]["error"], rows[0]["overall"]) == ("failed", "power failure", "")
    table = sweep.said[sweep.said.index("validation scores of all jobs") :]
    for row, job in zip(rows[1:], sweep.jobs[1:], strict=True):
        metrics = json.loads(job.metrics.read_text())
        assert float(row["monitored"]) == metrics["best"]["value"]
        assert float(row["overall"]) == metrics["crossfit"]["val"]["overall"]
        assert float(row["tone/macro_f1"]) == metrics["crossfit"]["val"]["tasks"]["tone"]["macro_f1"]
        assert int(row["epoch"]) == metrics["best"]["epoch"]
        (line,) = [line for line in table.splitlines() if job.path.name in line]
        assert row["changed"].split()[0] in line
        assert f"{metrics['crossfit']['val']['overall']:.4f}" in line


def test_the_best_job_is_marked_and_its_score_corrected(sweep: Sweep) -> None:
    with (sweep.folder / "jobs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    finished = [row for row in rows if row["state"] == "finished"]
    best = max(finished, key=lambda row: float(row["overall"]))
    assert [row["chosen"] for row in rows if row["chosen"]] == ["best of 3, chosen on these rows"]
    assert best["chosen"]
    assert float(best["corrected"]) <= float(best["overall"])
    assert float(best["corrected_low"]) < float(best["corrected"]) < float(best["corrected_high"])
    assert "is the best of 3, chosen on these rows" in " ".join(sweep.said.split())


@pytest.mark.parametrize("number", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_a_job_is_what_it_would_be_alone(number: int, sweep: Sweep, tmp_path: Path, one_thread: None) -> None:
    alone = train(tmp_path, *SETTINGS, *sweep.jobs[number].overrides[-3:])
    assert_same_runs(alone, sweep.jobs[number])


def test_a_run_returns_its_best_monitored_score(tmp_path: Path) -> None:
    arguments = overrides(tmp_path, "trainer.max_epochs=3")
    best = training_run.start_run(composed(*arguments), arguments, keep_going=True)
    run = RunDirectory.open(tmp_path / "outputs" / "latest")
    assert best == json.loads(run.metrics.read_text())["best"]["value"]


def test_a_job_that_fails_before_its_training_has_a_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **named: object) -> None:
        raise MemoryError("no room for the encoder")

    monkeypatch.setattr("polarity.training.assembled.MultiTaskModule", broken)
    arguments = overrides(tmp_path)
    assert math.isnan(training_run.start_run(composed(*arguments), arguments, keep_going=True))
    (path,) = (tmp_path / "outputs").iterdir()
    assert RunDirectory.open(path).status["error"] == "no room for the encoder"
    with pytest.raises(MemoryError):
        training_run.start_run(composed(*arguments), arguments, keep_going=False)


def test_seeds_losses_and_boosts_can_be_swept_together(tmp_path: Path) -> None:
    swept = ("seed=0,1,2", "loss=ce,focal", "sampler=joint", "sampler.boosts.topic.war=1,2")
    jobs = compose_jobs("train", overrides(tmp_path, *swept), config_dir=None, multirun=True)
    settings = {(job.config.seed, job.config.loss._target_, job.config.sampler.boosts.topic.war) for job in jobs}
    assert len(jobs) == len(settings) == 12


def test_ctrl_c_between_two_jobs_tells_what_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = SweepTable.on_job_end

    def interrupted(self: SweepTable, config: Any, **kwargs: Any) -> None:
        ended(self, config, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(SweepTable, "on_job_end", interrupted)
    code, said = outcome_of("train", "-m", *overrides(tmp_path, "trainer.max_epochs=1", "seed=0,1"))
    assert code == 130
    assert "jobs.csv" in said, "the table"
    assert said.count("job 1:") == 1
    assert "job 2:" not in said
    assert len(list((tmp_path / "outputs").glob("*/*/status.json"))) == 1
