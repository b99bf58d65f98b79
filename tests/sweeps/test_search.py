"""Searches: what is proposed, told and run, by whom, and how often."""

import os
import signal
import time
from pathlib import Path
from statistics import fmean

import pytest
from optuna.trial import TrialState

from polarity.errors import UserError
from polarity.sweeps.search.hopeless import hopeless
from polarity.sweeps.search.study import JOURNAL
from tests.sweeps.searching import RATE, asked, run, start, starts, trials


def test_trials_are_jobs_and_the_same_again_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = asked(tmp_path, RATE, "hydra.sweeper.trials=6")
    assert (sweep.jobs, sweep.unasked) == ([], 6)
    sweep = run(sweep.path)
    assert [job.state for job in sweep.jobs] == ["finished"] * 6
    assert (starts(sweep), sweep.unasked) == ([1] * 6, 0)
    assert [trial.value for trial in trials(sweep)] == [job.score for job in sweep.jobs]
    capsys.readouterr()
    assert starts(run(sweep.path)) == [1] * 6
    assert "nothing is missing" in capsys.readouterr().out
    more = asked(tmp_path, RATE, "hydra.sweeper.trials=8")
    assert more.path == sweep.path
    assert starts(run(sweep.path)) == [1] * 8


def test_the_same_line_proposes_the_same_whatever_was_cut_off(tmp_path: Path) -> None:
    one, other = (run(asked(tmp_path, RATE, f"sweep={name}", "hydra.sweeper.trials=3").path, jobs=1) for name in "ab")
    assert [job.name for job in one.jobs] == [job.name for job in other.jobs]
    with (one.path / JOURNAL).open("ab") as journal:
        journal.write(b'{"op_code": 4, "worker')  # the disk was full
    for sweep in (one, other):
        asked(tmp_path, RATE, f"sweep={sweep.path.name}", "hydra.sweeper.trials=5")
    one, other = run(one.path, jobs=1), run(other.path, jobs=2)
    assert [job.name for job in one.jobs] == [job.name for job in other.jobs]
    assert len({job.name for job in one.jobs}) == 5


def test_values_that_were_proposed_before_are_not_run_again(tmp_path: Path) -> None:
    sweep = asked(tmp_path, "optimizer.lr=choice(0.1,0.01)", "batching.batch_size=range(8,12,2)")
    sweep = run(sweep.path)
    assert starts(sweep) == [1] * 4
    assert sweep.unasked == 0


def test_a_failed_trial_is_told_and_tried_again_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUICK_FAILS_ABOVE", "0.05")
    sweep = asked(tmp_path, "optimizer.lr=choice(0.1,0.01,0.001)")
    sweep = run(sweep.path)
    assert sorted(job.state for job in sweep.jobs) == ["failed", "finished", "finished"]
    assert sorted(trial.state.name for trial in trials(sweep)) == ["COMPLETE", "COMPLETE", "FAIL"]
    assert sum(starts(run(sweep.path))) == 3
    monkeypatch.setenv("QUICK_FAILS_ABOVE", "1")
    sweep = run(sweep.path, retry=True)
    assert sum(starts(sweep)) == 4
    assert [job.state for job in sweep.jobs] == ["finished"] * 3
    assert sum(trial.state == TrialState.COMPLETE for trial in trials(sweep)) == 3


def test_seeds_are_repetitions_and_what_is_hopeless_gets_no_more(tmp_path: Path) -> None:
    sweep = asked(tmp_path, "optimizer.lr=choice(0.3,0.001,0.01,0.002,0.1)", "seed=1", "hydra.sweeper.seeds=3")
    sweep = run(sweep.path, jobs=1)
    found = {tuple(trial.params.values()): trial for trial in trials(sweep)}
    runs = {key: [job for job in sweep.jobs if job.name in trial.user_attrs["jobs"]] for key, trial in found.items()}
    complete = {key for key, trial in found.items() if trial.state == TrialState.COMPLETE}
    for key in complete:
        assert [job.run.settings.seed for job in runs[key]] == [1, 2, 3]
        assert found[key].value == pytest.approx(fmean(job.score for job in runs[key]))
    assert {("0.001",), ("0.002",)} <= complete
    assert 2 <= len(complete) < 5
    assert all(len(runs[key]) == 1 for key in found if key not in complete)
    assert sweep.unasked == 0
    assert all(job.changed[-1].startswith("seed=") for job in sweep.jobs)


def test_hopeless_is_further_below_the_best_mean_than_seeds_explain() -> None:
    complete = [[0.80, 0.82, 0.84], [0.70, 0.72, 0.74]]  # variance within: 4 * 0.02**2 / 4
    assert not hopeless([0.0], complete[:1])
    error = 0.02 * (1 + 1 / 3) ** 0.5
    assert hopeless([0.82 - 2 * error - 0.001], complete)
    assert not hopeless([0.82 - 2 * error + 0.001], complete)
    assert not hopeless([], complete)


def test_a_run_whose_epochs_are_worse_ends_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUICK_WAITS", "true")
    sweep = asked(tmp_path, RATE, "trainer.max_epochs=3", "hydra.sweeper.pruner=median", "hydra.sweeper.trials=8")
    sweep = run(sweep.path, jobs=1)
    states = [job.state for job in sweep.jobs]
    assert set(states) == {"finished", "pruned"}, states
    assert states.count("pruned") == sum(trial.state == TrialState.PRUNED for trial in trials(sweep))
    pruned = next(job for job in sweep.jobs if job.state == "pruned")
    assert "median" in pruned.run.status["error"]
    assert [len(trial.intermediate_values) for trial in trials(sweep)][:5] == [3] * 5
    assert starts(run(sweep.path)) == [1] * 8


@pytest.mark.slow
def test_two_processes_share_a_search_and_one_may_be_killed(tmp_path: Path) -> None:
    sweep = asked(tmp_path, RATE, "trainer.max_epochs=2", "hydra.sweeper.trials=12")
    first, second = (start(sweep, QUICK_EPOCH="0.3") for _ in range(2))
    until = time.monotonic() + 300
    while len(list(sweep.path.glob("*/metrics.json"))) < 4:
        assert time.monotonic() < until
        time.sleep(0.05)
    os.kill(second.pid, signal.SIGKILL)
    said, _ = first.communicate(timeout=300)
    assert first.returncode == 0, said
    second.communicate()
    sweep = run(sweep.path)  # what the killed one has begun may still go on by itself, and is taken over
    assert [job.state for job in sweep.jobs] == ["finished"] * 12
    assert len(trials(sweep)) == 12
    assert sum(starts(sweep)) <= 13
    assert sorted(set(starts(sweep))) in ([1], [1, 2])


def test_another_search_of_the_same_name_is_refused(tmp_path: Path) -> None:
    asked(tmp_path, RATE, "sweep=mine")
    with pytest.raises(UserError, match="searches otherwise: sampler was tpe, and is random now"):
        asked(tmp_path, RATE, "sweep=mine", "hydra.sweeper.sampler=random")
    with pytest.raises(UserError, match=r"params\.optimizer\.lr was tag"):
        asked(tmp_path, "optimizer.lr=interval(0.1,0.2)", "sweep=mine")
