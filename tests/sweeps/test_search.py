"""Searches: what is proposed, told and run, by whom, and how often."""

import os
import re
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from optuna.trial import TrialState, create_trial

from polarity.config.search.parameter import Parameter
from polarity.errors import UserError
from polarity.files import write_json
from polarity.sweeps.folder import Sweep
from polarity.sweeps.preset import preset_of
from polarity.sweeps.search.hopeless import hopeless
from polarity.sweeps.search.study import JOURNAL, distributions, open_study, sampler
from polarity.sweeps.search.trials import Trials
from polarity.sweeps.table import what_next, write_jobs
from tests import command
from tests.running import overrides
from tests.sweeping import jobs_as, only_sweep, states
from tests.sweeps.searching import RATE, Quick, asked, run, start, starts, trials
from tests.sweeps.test_planning import SHORT
from tests.verbs import outcome_of, said_by


@pytest.mark.slow
def test_a_seed_that_is_searched_makes_trials_of_their_own(tmp_path: Path) -> None:
    sweep = asked(tmp_path, "loss=ce,focal", "seed=0,1", "hydra.sweeper.trials=4")
    sweep = run(sweep.path)
    assert (len(sweep.jobs), sweep.unasked) == (4, 0)


@pytest.mark.slow
def test_trials_are_jobs_and_the_same_again_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = asked(tmp_path, RATE, "hydra.sweeper.trials=4")
    assert (sweep.jobs, sweep.unasked) == ([], 4)
    sweep = run(sweep.path)
    assert [job.state for job in sweep.jobs] == ["finished"] * 4
    assert (starts(sweep), sweep.unasked) == ([1] * 4, 0)
    assert [trial.value for trial in trials(sweep)] == [job.score for job in sweep.jobs]
    rates = [job.run.config["optimizer"]["lr"] for job in sweep.finished]
    assert rates == sorted(rates), "the plainest first"
    capsys.readouterr()
    assert starts(run(sweep.path)) == [1] * 4
    assert "nothing is missing" in capsys.readouterr().out
    more = asked(tmp_path, RATE, "hydra.sweeper.trials=5")
    assert more.path == sweep.path
    assert starts(run(sweep.path)) == [1] * 5


@pytest.mark.slow
def test_the_command_line_from_the_first_trial_to_the_recommended_preset(tmp_path: Path) -> None:
    line = ["-m", *overrides(tmp_path, *SHORT, RATE, "hydra/sweeper=optuna", "hydra.sweeper.trials=2", rows=60)]
    with jobs_as(Quick):
        code, said = outcome_of("train", *line)
        assert code == 0, said
        assert "job 2 ended: val/macro_f1" in said
        assert "validation scores of all jobs" in said
        sweep = only_sweep(tmp_path)
        assert "nothing is missing" in said_by("train", f"resume={sweep.path}")
    assert starts(sweep) == [1, 1]
    rate = sweep.finished[0].run.config["optimizer"]["lr"]
    assert f"lr: {rate}" in preset_of(sweep, sweep.finished[0], tmp_path / "experiment" / "best.yaml")
    assert "has no predictions of split 'val'" in said_by("sweep", str(sweep.path), "best", code=2)
    sweep.ask(replace(sweep.asked, search={**(sweep.asked.search or {}), "trials": 7}))
    assert "5 of 7 trials to come" in said_by("sweep", str(sweep.path))


@pytest.mark.slow
def test_a_resumed_search_tells_of_all_its_trials(tmp_path: Path) -> None:
    """Also of those that were proposed meanwhile."""
    sweep = asked(tmp_path, RATE, "hydra.sweeper.trials=3")
    with jobs_as(Quick):
        code, said = outcome_of("train", f"resume={sweep.path}")
    assert code == 0, said
    assert "trials to come" not in said
    names = [job.name for job in Sweep.open(sweep.path).jobs]
    assert len(names) == 3
    assert all(name in said.partition("validation scores of all jobs")[2] for name in names)
    assert len((sweep.path / "jobs.csv").read_text(encoding="utf-8").splitlines()) == 4


@pytest.mark.parametrize(("name", "count"), [("tpe", 14), ("random", 14), ("gp", 11)])
def test_what_is_proposed_depends_on_what_has_ended_and_not_on_who_asks(name: str, count: int, tmp_path: Path) -> None:
    space = distributions([Parameter.read(text) for text in (RATE, "a=x,y", "b=range(0,9)", "c=int(interval(1,9))")])

    def proposed(folder: Path, *, again: bool) -> list[dict[str, object]]:
        folder.mkdir()
        study, found = open_study(folder, mode="max", pruner=None), list[dict[str, object]]()
        for number in range(count):
            if again:
                with (folder / JOURNAL).open("ab") as journal:
                    journal.write(b'{"op_code": 4, "work')  # the disk was full
                study = open_study(folder, mode="max", pruner=None)
            study.sampler = sampler(name, 42, number)
            trial = study.ask(space)
            study.tell(trial, trial.params["c"])
            found.append(trial.params)
        return found

    first = proposed(tmp_path / "one", again=False)
    assert first == proposed(tmp_path / "other", again=True)
    assert len({str(values) for values in first}) == count


def test_a_preset_that_was_changed_since_ends_the_search_as_other_rows_do(tmp_path: Path) -> None:
    sweep = asked(tmp_path, RATE)
    began = sweep.asked
    sweep.ask(replace(began, settings={**began.settings, "batching.batch_size": 99}))
    with pytest.raises(UserError, match=r"has another configuration: batching.batch_size was 99, and is 16 now"):
        Trials(sweep, {}).next_jobs(1)
    ((name, rows),) = began.data.items()
    sweep.ask(replace(began, data={name: {**rows, "train": {"rows": 1, "fingerprint": "abc"}}}))
    with pytest.raises(UserError, match="the train split is not the one that the sweep was begun with"):
        Trials(sweep, {}).next_jobs(1)
    assert Sweep.open(sweep.path).jobs == []
    sweep.ask(began)
    assert len(Trials(sweep, {}).next_jobs(2)) == 2


def test_what_follows_from_the_seed_is_no_other_configuration(tmp_path: Path) -> None:
    sweep = asked(tmp_path, RATE, "data.split.seed=${seed}", "seed=3", "hydra.sweeper.seeds=2")
    (job,) = Trials(sweep, {}).next_jobs(1)
    assert job.run.config["data"]["split"]["seed"] == 3


def test_a_search_is_resumed_by_a_path_that_is_relative_to_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = run(asked(tmp_path, "optimizer.lr=choice(0.1,0.2)", "hydra.sweeper.trials=1").path, jobs=1)
    monkeypatch.chdir(tmp_path)
    said = said_by("train", f"resume={sweep.path.relative_to(tmp_path)}")
    assert "nothing is missing" in said
    assert "is no sweep's folder" not in said


def test_where_it_began_a_module_beside_the_data_is_found(tmp_path: Path) -> None:
    sweep, here, before = asked(tmp_path, RATE), Path.cwd(), list(sys.path)
    sweep.ask(replace(sweep.asked, folder=str(tmp_path)))
    with sweep.where_it_began():
        assert (Path.cwd(), sys.path[0]) == (tmp_path, str(tmp_path))
    assert (Path.cwd(), sys.path) == (here, before)


def test_half_a_line_of_one_process_does_not_spoil_that_of_another(tmp_path: Path) -> None:
    sweep = asked(tmp_path, RATE)
    living = Trials(sweep, {})
    living.next_jobs(1)
    with (sweep.path / JOURNAL).open("ab") as journal:
        journal.write(b'{"op_code": 5, "worker_id": "xx')  # killed, or the disk was full
    assert len(living.next_jobs(2)) == 2
    assert [trial.user_attrs.keys() for trial in trials(sweep)] == [{"jobs"}] * 2


def test_a_trial_that_one_process_tries_again_is_not_lost_by_another_that_does_not(tmp_path: Path) -> None:
    sweep = asked(tmp_path, RATE, "hydra.sweeper.trials=1")
    (job,) = Trials(sweep, {}).next_jobs(1)
    job.run.set_status("failed", error="x", attempt="first")
    other = Trials(sweep, {})
    assert other.next_jobs(0) == []
    again = Trials(Sweep.open(sweep.path), Sweep.open(sweep.path).retried(retry=True))
    other.next_jobs(0)
    assert [one.name for one in again.next_jobs(1)] == [job.name]
    write_json(job.run.metrics, {"best": {"value": 0.5}})
    job.run.set_status("finished")
    for _ in range(2):
        other.next_jobs(0)
    assert [trial.state.name for trial in trials(sweep)].count("COMPLETE") == 1
    assert len(trials(sweep)) <= 3


@pytest.mark.slow
def test_values_that_were_proposed_before_are_not_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = asked(tmp_path, "optimizer.lr=choice(0.1,0.01)", "batching.batch_size=range(8,12,2)")
    sweep = run(sweep.path)
    assert starts(sweep) == [1] * 4
    assert sweep.unasked == 0
    run(sweep.path)
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(r"nothing is missing; all 4 combinations of values are tried; \d+ trials were asked for", said)
    assert starts(sweep) == [1] * 4


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["gone", "damaged"])
def test_a_search_goes_on_without_a_job_that_was_lost(
    loss: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("optimizer.lr=choice(0.3,0.001,0.01,0.002,0.1)", "seed=1", "hydra.sweeper.seeds=2")
    sweep = run(asked(tmp_path, *words, "hydra.sweeper.trials=3").path, jobs=1)
    (first,) = (trial for trial in trials(sweep)[:1] if trial.state == TrialState.COMPLETE)
    lost = sweep.job(first.user_attrs["jobs"][1])
    if loss == "gone":
        shutil.rmtree(lost.path)
    else:
        lost.run.metrics.write_text("{", encoding="utf-8")
    sweep = run(asked(tmp_path, *words, "hydra.sweeper.trials=5").path, jobs=1)
    assert sweep.unasked == 0
    assert sum(trial.state != TrialState.RUNNING for trial in trials(sweep)) == 5
    rows, _ = write_jobs(sweep)
    assert f"{loss}" in (told := " ".join(what_next(rows, sweep)))
    assert "a search does not try the same values again" in told
    capsys.readouterr()
    asked(tmp_path, *words, "hydra.sweeper.trials=2")
    run(sweep.path)
    assert "5 trials, more than the 2 trials asked for, begun before" in " ".join(capsys.readouterr().out.split())


def test_hopeless_is_further_below_the_best_mean_than_seeds_explain() -> None:
    complete = [[0.80, 0.82, 0.84], [0.70, 0.72, 0.74]]  # variance within: 4 * 0.02**2 / 4
    assert not hopeless([0.0], complete[:1])
    error = 0.02 * (1 + 1 / 3) ** 0.5
    assert hopeless([0.82 - 2 * error - 0.001], complete)
    assert not hopeless([0.82 - 2 * error + 0.001], complete)
    assert not hopeless([], complete)


@pytest.mark.slow
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
    code, said = outcome_of("train", f"resume={sweep.path}", "hydra/launcher=basic")
    assert (code, "hydra.sweeper.pruner: ends processes of jobs" in " ".join(said.split())) == (2, True)
    assert starts(run(sweep.path)) == [1] * 8


@pytest.mark.parametrize("name", ["median", "hyperband"])
def test_a_pruner_ends_what_is_worse_than_others_at_its_age(name: str, tmp_path: Path) -> None:
    study = open_study(tmp_path, mode="max", pruner=name)
    for score in [0.7 + number / 50 for number in range(15)]:
        trial = study.ask()
        for epoch in range(1, 10):
            trial.report(score * epoch, epoch)
            trial.should_prune()
        study.tell(trial, score)
    ends = []
    for _ in range(6):  # Hyperband keeps some for longer
        trial = study.ask()
        for epoch in range(1, 10):
            trial.report(0.1 * epoch, epoch)
            if trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                ends.append(epoch)
                break
    assert ends, "some are ended"
    assert min(ends) < 9
    study.pruner = open_study(tmp_path, mode="max", pruner=None).pruner
    assert not trial.should_prune(), "none ends nothing"


def test_epochs_that_are_met_at_once_are_judged_one_by_one(tmp_path: Path) -> None:
    """Else a run would live on where nobody had looked while it was worse than others."""
    study = open_study(tmp_path, mode="max", pruner="median")
    for score in [0.7 + number / 50 for number in range(15)]:
        trial = study.ask()
        for epoch in range(1, 10):
            trial.report(score * epoch, epoch)
        study.tell(trial, score)
    asking: Any = SimpleNamespace(study=study)
    worse, better = ([scale * epoch for epoch in range(1, 7)] for scale in (0.1, 2.0))
    for epochs, ends in (([*worse, 20.0], True), (better, False)):
        assert Trials._report(asking, study.ask().number, epochs) == ends


def test_a_run_with_all_of_its_epochs_is_left_to_get_its_score(tmp_path: Path) -> None:
    made = Trials(asked(tmp_path, RATE, "trainer.max_epochs=3", "hydra.sweeper.pruner=median"), {})
    (job,) = made.next_jobs(1)
    for _ in range(6):
        values = dict.fromkeys(range(1, 4), 0.9)
        made.study.add_trial(create_trial(state=TrialState.COMPLETE, value=0.9, intermediate_values=values))
    assert not made.report(job, [0.1] * 3)
    assert made.report(job, [0.1] * 2)


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


@pytest.mark.slow
def test_another_search_of_the_same_name_is_refused(tmp_path: Path) -> None:
    asked(tmp_path, RATE, "sweep=mine")
    with pytest.raises(UserError, match=r"params\.optimizer\.lr was tag.*; sampler was tpe, and is random now"):
        asked(tmp_path, "optimizer.lr=interval(0.1,0.2)", "sweep=mine", "hydra.sweeper.sampler=random")


@pytest.mark.slow
@pytest.mark.timeout(3000)  # a quarter of an hour where much else goes on
def test_twenty_trials_by_three_processes_of_which_one_is_killed(tmp_path: Path) -> None:
    line = [
        *("train", "-m", *overrides(tmp_path, *SHORT, rows=60), "hydra/sweeper=optuna", "hydra.sweeper.trials=20"),
        *("optimizer.lr=tag(log,interval(1e-4,1e-2))", "model.dropout=choice(0.0,0.1)"),
    ]
    working = [command.start(*line, folder=tmp_path) for _ in range(3)]
    until = time.monotonic() + command.PATIENCE
    while len(list((tmp_path / "outputs").glob("*/*/metrics.json"))) < 5:
        assert time.monotonic() < until
        time.sleep(0.1)
    killed = psutil.Process(working[0].pid)
    jobs = killed.children(recursive=True)
    command.kill(killed)
    said = [process.communicate(timeout=command.PATIENCE)[0] for process in working]
    assert [process.returncode for process in working[1:]] == [0, 0], said
    sweep = only_sweep(tmp_path)
    assert states(tmp_path) == ["finished"] * 20
    assert len({tuple(job.changed) for job in sweep.jobs}) == 20
    attempts = [job.run.environment.read_text().count('"command"') for job in sweep.jobs]
    assert sum(attempts) - 20 <= len(jobs), "only what was killed was begun again"
    assert [trial.state for trial in trials(sweep)] == [TrialState.COMPLETE] * 20
    assert [trial.value for trial in trials(sweep)] == pytest.approx([job.score for job in sweep.jobs])
    assert "nothing is missing" in command.run(*line, folder=tmp_path)
    assert attempts == [job.run.environment.read_text().count('"command"') for job in sweep.jobs]
