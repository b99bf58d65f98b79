"""What a sweep is: found again by its command line or its name, extended, or refused where it is another one."""

import os
import re
import shutil
import signal
import subprocess
import sys
from itertools import product
from pathlib import Path
from unittest.mock import Mock, patch

import pytest
import yaml

from polarity.config import preflight
from polarity.config.earlier import as_now
from polarity.errors import UserError
from polarity.run import RunDirectory
from polarity.runs.saved import finished_run
from polarity.sweeps import here, launch
from polarity.sweeps.folder import Sweep
from polarity.sweeps.plan import ELSEWHERE, PlannedJob, _changes, name_of, plan, refuse_changed_presets
from polarity.sweeps.preset import preset_of
from polarity.train import _asked, _checked, check
from polarity.training.run import resume_run
from tests.running import overrides
from tests.sweeping import only_sweep, states
from tests.verbs import outcome_of

SHORT = ("trainer.max_epochs=1", "reporting.baselines=false")


def planned(folder: Path, *more: str) -> Sweep:
    """The sweep of a command line, of which no job has begun."""
    arguments = ["-m", *overrides(folder, *SHORT, *more, rows=60)]
    told = _asked(*_arguments(arguments))
    return Sweep.open(told[-1].partition("=")[2].strip('"'))


def _arguments(arguments: list[str]) -> tuple[list[str], list[object]]:
    return arguments, _checked(arguments)[1]  # type: ignore[return-value]


def test_every_job_has_a_state_from_the_first_moment(tmp_path: Path) -> None:
    sweep = planned(tmp_path, "seed=0,1,2", "hydra.launcher.jobs=2", "sweep.retry=failed")
    assert [job.state for job in sweep.jobs] == ["waiting"] * 3
    assert [job.changed for job in sweep.jobs] == [["seed=0"], ["seed=1"], ["seed=2"]]
    assert sweep.asked.space == {"seed": ["0", "1", "2"]}
    assert sweep.asked.commands[0].startswith("python -m polarity.train -m ")
    run = sweep.jobs[1].run
    assert (run.settings.seed, run.overrides[-1], run.settings.output_dir) == (1, "seed=1", str(sweep.path))
    with pytest.raises(UserError, match="has not begun yet"):
        finished_run(run.path)


@pytest.mark.slow
def test_values_stand_in_hydras_grammar_and_globs_mean_presets_and_not_their_bases(tmp_path: Path) -> None:
    (tmp_path / "own" / "loss").mkdir(parents=True)
    (tmp_path / "own" / "loss" / "forgiving.yaml").write_text("defaults: [focal, _self_]\ngamma: 0.5\n")
    line = ("loss=glob([*],exclude=focal)", "sampler=choice(natural,joint)", "seed=range(1,3)")
    sweep = planned(tmp_path, *line, "--config-dir", str(tmp_path / "own"))
    space = {"loss": ["ce", "forgiving"], "sampler": ["natural", "joint"], "seed": ["1", "2"]}
    assert sweep.asked.space == space
    jobs = product(*([f"{key}={value}" for value in values] for key, values in space.items()))
    assert [tuple(job.changed) for job in sweep.jobs] == list(jobs)
    assert "loss=choice(ce,focal)" in check(["-m", *overrides(tmp_path, "loss=glob(*)", rows=60)])
    with pytest.raises(UserError, match=r"loss=glob\(x\*\): .*there is no preset with such a name"):
        check(["-m", *overrides(tmp_path, "loss=glob(x*)")])


@pytest.mark.slow
def test_the_same_line_is_the_same_sweep_in_any_order_and_however_its_jobs_are_run(tmp_path: Path) -> None:
    first = planned(tmp_path, "seed=0,1", "loss=ce,focal")
    again = planned(tmp_path, "loss=ce,focal", "seed=0,1", "hydra.launcher.jobs=2", "sweep.retry=failed")
    assert first.path == again.path
    assert [job.name for job in first.jobs] == [job.name for job in again.jobs]
    assert planned(tmp_path, "seed=0,1").path != first.path


def test_sweeps_that_differ_in_a_class_named_like_a_secret_are_two() -> None:
    first, second = (name_of(["-m", f"sampler.boosts.kind.key={values}"], "train", None) for values in ("1,2", "3,4"))
    assert first != second


def test_a_sweep_with_a_name_is_extended_by_new_values_and_new_settings(tmp_path: Path) -> None:
    first = planned(tmp_path, "seed=0,1", "sweep=mine")
    assert first.path == tmp_path / "outputs" / "mine"
    more = planned(tmp_path, "seed=1,2", "optimizer.lr=1e-3,2e-3", "sweep=mine")
    assert len(more.jobs) == 2 + 3
    assert sorted(sorted(job.changed) for job in more.jobs) == [
        [f"optimizer.lr={lr}", f"seed={seed}"]
        for lr, seed in (("0.001", 1), ("0.001", 2), ("0.002", 0), ("0.002", 1), ("0.002", 2))
    ]


def test_a_job_whose_folder_was_deleted_is_no_job_until_it_is_asked_for_again(tmp_path: Path) -> None:
    first = planned(tmp_path, "seed=0,1", "sweep=mine")
    shutil.rmtree(first.jobs[0].path)
    assert [job.changed for job in Sweep.open(first.path).jobs] == [["seed=1"]]
    assert [job.changed for job in planned(tmp_path, "seed=1,2", "sweep=mine").jobs] == [["seed=1"], ["seed=2"]]
    assert len(planned(tmp_path, "seed=0,1", "sweep=mine").jobs) == 3


def test_a_preset_of_a_sweep_finds_the_data_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overrides(tmp_path, rows=60)
    monkeypatch.chdir(tmp_path)
    sweep = planned(tmp_path, "seed=0,1", "data.path=corpus.csv")
    text = preset_of(sweep, sweep.jobs[0], tmp_path / "experiment" / "best.yaml")
    assert yaml.safe_load(text)["data"]["path"] == str(tmp_path / "corpus.csv")


def test_a_folder_that_holds_sweeps_names_them(tmp_path: Path) -> None:
    sweep = planned(tmp_path, "seed=0,1", "sweep=mine")
    with pytest.raises(UserError, match=f"is no sweep's folder, but holds sweeps; give one of them: {sweep.path}"):
        Sweep.open(sweep.path.parent)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            ["search=llrd", "hydra.sweeper.trails=3"],
            r"hydra.sweeper.trails=3: no such setting; did you mean 'trials'\?",
        ),
        (["seed=0,1", "hydra.launcher.jbos=2"], r"hydra.launcher.jbos=2: no such setting; did you mean 'jobs'\?"),
    ],
)
def test_a_misspelt_setting_of_the_sweep_is_told_with_the_right_one(
    line: list[str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        check(["-m", *overrides(tmp_path, *line, rows=60)])


@pytest.mark.parametrize("key", [*ELSEWHERE, "sweep.name", "sweep.retry", "hydra.launcher.jobs", "hydra/launcher"])
@pytest.mark.parametrize("search", [(), ("hydra/sweeper=optuna",)])
def test_what_makes_no_other_job_has_one_value(key: str, search: tuple[str, ...], tmp_path: Path) -> None:
    values = {"sweep.retry": "failed,null", "hydra.launcher.jobs": "1,2", "hydra/launcher": "basic,local"}
    told = {
        "resume": "resume: only one run, or sweep",
        "run_dir": "run_dir: is filled in",
        "trust": "trust: is about",
        "sweep": "sweep.name: is the same",
    }
    problem = told.get(key, f"{key}: is the same for all jobs of a sweep; give it one value")
    with pytest.raises(UserError, match=rf"(?m)^{problem}"):
        planned(tmp_path, "seed=0,1", f"{key}={values.get(key, 'a,b')}", *search)
    assert not (tmp_path / "outputs").exists()


def test_the_same_configuration_is_one_job_however_it_is_written(tmp_path: Path) -> None:
    assert len(planned(tmp_path, "optimizer.lr=1e-3,0.001,1.0e-3", "sweep=once").jobs) == 1
    assert len(planned(tmp_path, "optimizer.lr=0.001,0.002", "sweep=once").jobs) == 2


def test_another_configuration_is_refused_by_the_name_of_the_setting(tmp_path: Path) -> None:
    planned(tmp_path, "seed=0,1", "sweep=mine")
    with pytest.raises(UserError, match=r"another configuration: batching.batch_size was 16, and is 8 now"):
        planned(tmp_path, "seed=0,1,2", "sweep=mine", "batching.batch_size=8")
    assert states(tmp_path) == ["waiting"] * 2


@pytest.mark.slow
def test_a_preset_that_was_changed_since_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    preset = tmp_path / "mine" / "loss" / "sharp.yaml"
    preset.parent.mkdir(parents=True)
    preset.write_text("defaults: [focal, _self_]\ngamma: 3.0\n")
    line = ("--config-dir", "mine", "loss=ce,sharp")
    planned(tmp_path, *line)
    preset.write_text("defaults: [focal, _self_]\ngamma: 4.0\n")
    with pytest.raises(UserError, match=r"loss.gamma was 3.0, and is 4.0 now"):
        planned(tmp_path, *line)


def test_other_data_are_refused(tmp_path: Path) -> None:
    planned(tmp_path, "seed=0,1")
    corpus = tmp_path / "corpus.csv"
    corpus.write_text(corpus.read_text("utf-8").replace("army", "navy"), "utf-8")
    preflight._load_once.cache_clear()
    with pytest.raises(UserError, match="the train split is not the one that the sweep was begun with"):
        planned(tmp_path, "seed=0,1")


def test_a_job_that_begins_later_reads_the_rows_that_the_sweep_was_begun_with(tmp_path: Path) -> None:
    sweep = planned(tmp_path, "seed=0,1", "reporting.resamples=100")
    corpus = tmp_path / "corpus.csv"
    corpus.write_text("".join(corpus.read_text("utf-8").splitlines(keepends=True)[:-9]), "utf-8")
    preflight.forget_rows()
    changed = "the train split is not the one that the sweep was begun with: .* rows with"
    with pytest.raises(UserError, match=f"^resume: data: {changed}"):
        resume_run(str(sweep.jobs[0].path))
    code, said = outcome_of("train", f"resume={sweep.path}", "hydra/launcher=basic")
    assert (code, states(tmp_path)) == (2, ["waiting"] * 2), said
    assert re.search(changed, " ".join(said.split()))


def test_jobs_whose_rows_cannot_be_read_keep_no_others_from_going_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides(tmp_path, rows=60)
    files = [tmp_path / f"{name}.csv" for name in "ab"]
    for path in files:
        shutil.copy(tmp_path / "corpus.csv", path)
    sweep, went_on = planned(tmp_path, f"data.path={files[0]},{files[1]}", "seed=0,1"), list[str]()
    monkeypatch.setattr(launch, "run_here", lambda _, job, __: went_on.append(job.name))
    files[1].unlink()
    preflight.forget_rows()
    _, said = outcome_of("train", f"resume={sweep.path}", "hydra/launcher=basic")
    assert went_on == [job.name for job in sweep.jobs], "what cannot be read is a failed job when it is its turn"
    told = [line for line in said.splitlines() if "cannot be read" in line]
    assert len(told) == 1, said
    assert "the rows of 2 jobs cannot be read: data.path: " in told[0]
    files[0].unlink()
    preflight.forget_rows()
    code, said = outcome_of("train", f"resume={sweep.path}", "hydra/launcher=basic")
    assert (code, len(went_on), "nothing was started" in said) == (2, 4, True), said


def small(folder: Path, presets: str, *words: str, size: int = 16) -> Sweep:
    """A sweep over presets whose jobs have two settings, and no rows."""
    jobs = [
        PlannedJob({"data": {}, "limit": {}, "lr": n, "batch": size}, [f"experiment={name}", *words])
        for n, name in enumerate(presets)
    ]
    with patch("polarity.sweeps.plan._fingerprints", lambda _: {}):
        return plan(folder, "line", {"experiment": list(presets)}, jobs)


def test_where_presets_are_searched_that_may_set_anything_the_line_still_gives_the_same(tmp_path: Path) -> None:
    small(tmp_path, "ab", "batch=16")
    assert len(small(tmp_path, "ab", "batch=16").jobs) == 2
    assert len(small(tmp_path, "abc").jobs) == 3, "another preset, and what it is without being given"
    with pytest.raises(UserError, match="has another configuration: batch was 16, and is 8 now"):
        small(tmp_path, "ab", "batch=8", size=8)
    small(tmp_path / "other", "ab")
    with pytest.raises(UserError, match="has another configuration: batch was not given, and is 8 now"):
        small(tmp_path / "other", "ab", "batch=8", size=8)


@pytest.mark.parametrize("group", ["experiment", "loss"])
def test_an_edited_preset_is_found_by_jobs_with_other_values_of_what_is_searched(group: str, tmp_path: Path) -> None:
    def job(name: str, gamma: int, seed: int) -> PlannedJob:
        own = {"loss": {"gamma": gamma}, "seed": seed, "drawn": {"seed": seed}}
        return PlannedJob(as_now({"data": {}, "limit": {}, **own}), [f"{group}={name}", f"seed={seed}"])

    def made(*jobs: PlannedJob) -> Sweep:
        with patch("polarity.sweeps.plan._fingerprints", lambda _: {}):
            return plan(tmp_path, "line", {group: ["a", "b"], "seed": ["0", "1", "2"]}, jobs)

    made(job("a", 1, 0), job("b", 2, 1))
    sweep = made(job("a", 1, 1), job("b", 2, 0))
    refuse_changed_presets(sweep, job("b", 2, 2))
    for refused in (refuse_changed_presets, lambda _, one: made(one, job("b", 2, 2))):
        with pytest.raises(UserError, match=r"has another configuration: loss\.gamma was 1, and is 5 now"):
            refused(sweep, job("a", 5, 2))
    assert len(Sweep.open(tmp_path).jobs) == 4


def test_a_job_in_this_process_reads_paths_from_where_the_sweep_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stood: list[Path] = []
    monkeypatch.setattr(here, "resume", lambda *_, **__: stood.append(Path.cwd()))
    began, elsewhere = tmp_path / "began", tmp_path / "elsewhere"
    for folder in (began, elsewhere):
        folder.mkdir()
    monkeypatch.chdir(began)
    sweep = small(tmp_path / "sweep", "ab")
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr(here, "end_line", lambda *_: "")
    for job in sweep.jobs:
        here.run_here(sweep, job, {})
        shutil.rmtree(began, ignore_errors=True)
    assert stood == [began, elsewhere], (
        "where it was begun, and if that is gone here: the rows tell whether it is right"
    )


def test_a_job_that_fails_again_before_it_begins_is_not_tried_a_third_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(here, "resume", Mock(side_effect=UserError("data.path: does not exist")))
    sweep = small(tmp_path, "a")
    (job,) = sweep.jobs
    here.run_here(sweep, job, {})
    retried = sweep.retried(retry=True)
    assert job.is_missing(retried)
    here.run_here(sweep, job, retried)
    assert not job.is_missing(retried)


def test_what_can_be_no_sweep_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunDirectory.create(tmp_path / "outputs", {}, [], name="run")
    with pytest.raises(UserError, match="is the folder of a run"):
        planned(tmp_path, "seed=0,1", "sweep=run")
    run.lock.release()
    (tmp_path / "outputs" / "latest").write_text("run")  # as stands beside runs
    with pytest.raises(UserError, match="latest is a file; choose another name"):
        planned(tmp_path, "seed=0,1", "sweep=latest")
    for name in ("a/b", "/", ".", ".."):
        wrong = rf"sweep\.name: must be a name without slashes, and not of dots alone, got '{re.escape(name)}'"
        with pytest.raises(UserError, match=wrong):
            planned(tmp_path, "seed=0,1", f"sweep={name}")
    assert not list(tmp_path.glob("*.yaml"))
    with pytest.raises(UserError, match="retry: has an effect with -m only"):
        _checked(overrides(tmp_path, "sweep.retry=failed"))
    job = PlannedJob({"logger": {"mine": {"api_key": "abcdefgh12"}}}, [])
    with pytest.raises(UserError, match=r"logger.mine.api_key: the jobs of a sweep .* hold no secrets"):
        plan(tmp_path / "secret", "line", {}, [job])
    monkeypatch.setattr("polarity.secrets._known", {"abcdefgh12"})
    part = PlannedJob({"data": {"path": "/data/abcdefgh12.csv"}}, [])
    with pytest.raises(UserError, match=r"data.path: the jobs of a sweep .* hold no secrets"):
        plan(tmp_path / "secret", "line", {}, [part])
    assert not (tmp_path / "secret").exists()


HOLD = """
import sys, time
from polarity.sweeps.folder import Sweep
from polarity.sweeps.plan import PlannedJob, plan, _changes
job = Sweep.open(sys.argv[1]).jobs[0]
print(job.take({}), flush=True)
time.sleep(60)
"""


@pytest.mark.slow
def test_a_job_belongs_to_one_process_until_that_ends(tmp_path: Path) -> None:
    job = planned(tmp_path, "seed=0,1").jobs[0]
    held = subprocess.Popen([sys.executable, "-c", HOLD, str(only_sweep(tmp_path).path)], stdout=subprocess.PIPE)
    with held:
        assert held.stdout is not None
        said = held.stdout.readline()
        during = (job.state, job.take({}))
        os.kill(held.pid, signal.SIGKILL)
    assert (said, during) == (b"True\n", ("running", False))
    assert job.state == "waiting"
    assert job.take({})
    job.claim.release()


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("-m", "seed=0,1", "hydra.launcher.jobs=0"), "jobs: '0' is no number of jobs, from 1 on"),
        (("-m", "seed=0,1", "hydra.launcher.jobs=-1"), "jobs: '-1' is no number"),
        (("-m", "seed=0,1", "hydra.launcher.jobs=abc"), "jobs: 'abc' is no number"),
        (("hydra.launcher.jobs=2",), "jobs: has an effect with -m only"),
    ],
)
def test_a_number_of_jobs_that_cannot_be_is_refused_before_there_is_a_folder(
    more: tuple[str, ...], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=reason):
        check([*overrides(tmp_path), *more])
    assert not (tmp_path / "outputs").exists()


def test_what_the_machine_has_settled_is_no_change() -> None:
    settled = {"trainer.precision": "32-true", "batching.micro_batch_size": 4, "model.attention": "eager"}
    left = {"trainer.precision": "auto", "batching.micro_batch_size": None, "model.attention": "auto"}
    assert list(_changes(settled, left)) == ["model.attention was eager, and is auto now"]
    asked = {**settled, "batching.micro_batch_size": 8}
    assert list(_changes(settled, asked)) == ["batching.micro_batch_size was 4, and is 8 now"]


@pytest.mark.parametrize("more", [(), ("hydra/launcher=local",), ("sweep.retry=failed",), ("trust=[own]",)])
def test_a_sweep_that_is_not_there_is_told_first_with_the_one_that_may_be_meant(
    more: tuple[str, ...], tmp_path: Path
) -> None:
    """Whether other settings have an effect depends on what is resumed."""
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "sweep.yaml").touch()
    with pytest.raises(UserError) as error:
        check([f"resume={tmp_path / 'frist'}", *more])
    (problem,) = error.value.problems
    assert problem.endswith(
        "is no run's folder (runs beside it: none); did you mean 'first'? (sweeps beside it: first)"
    )
