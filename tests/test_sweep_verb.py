"""``polarity.sweep``: the table of a sweep, and its best configuration as a preset."""

import csv
import os
import platform
import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams import api_pb2, get_experiment, list_session_groups
from tensorboard.plugins.hparams.backend_context import Context

from polarity.comparison.chosen import rank
from polarity.config.compose import compose_jobs, resolved
from polarity.config.recorded import RunSettings
from polarity.content import Json
from polarity.files import read_object
from polarity.processes import this_process
from polarity.reports.html.sweep.content import SweepContent
from polarity.sweeps import page
from polarity.sweeps.folder import Sweep
from polarity.sweeps.page import values_of
from polarity.sweeps.plan import PlannedJob
from polarity.sweeps.preset import place_of
from polarity.sweeps.table import jobs_table, print_jobs, report_jobs
from polarity.verbs import sweep as watching
from tests.reports.pages import HOSTILE, Page
from tests.running import overrides
from tests.sweeping import only_sweep, sweep
from tests.verbs import said_by

pytestmark = pytest.mark.slow  # four runs are trained for all of them

NONE = "sampler.boosts.tone.none"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    root = tmp_path_factory.mktemp("sweep")
    quick = ("trainer.max_epochs=1", "reporting.baselines=false", "trainer.log_every_n_steps=1", "sampler=joint")
    searched = ("loss=ce,focal", f"{NONE}=1.5,3", "pooling=cls", "hydra/launcher=basic")
    sweep("-m", *overrides(root, *quick, rows=120), *searched)
    return only_sweep(root)


def test_the_table_is_the_one_of_the_end(finished: Sweep) -> None:
    before = (finished.path / "jobs.csv").read_text("utf-8")
    said = said_by("sweep", str(finished.path))
    assert (finished.path / "jobs.csv").read_text("utf-8") == before
    assert all(job.name in said for job in finished.jobs)
    assert "is the best of 4, chosen on these rows" in said
    assert "test is scored only with test=true" in said
    assert "cannot be told apart" in said
    recommended = said[said.index("recommended: ") :].splitlines()[0]
    assert "within one standard error" in recommended


def test_where_not_all_scores_can_be_compared_nothing_is_recommended(
    finished: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of jobs with other rows, or other tasks."""
    ranking = rank([job.path for job in finished.jobs])
    parted = replace(ranking, apart=["x: has other rows than y"])
    for place in ("preset", "table"):
        monkeypatch.setattr(f"polarity.sweeps.{place}.rank", lambda *_: parted)
    said = said_by("sweep", str(finished.path), "best", code=2)
    assert "the scores of its jobs cannot all be compared" in said
    assert "x: has other rows than y" in said
    said = said_by("sweep", str(finished.path))
    assert "note: x: has other rows than y" in said
    assert "on the validation rows of" in said


def test_one_damaged_job_and_one_that_is_gone_leave_the_others(finished: Sweep, tmp_path: Path) -> None:
    copy = Sweep.open(shutil.copytree(finished.path, tmp_path / finished.path.name))
    first, second, *others = copy.jobs
    shutil.rmtree(second.path)
    with first.run.metrics.open("a", encoding="utf-8") as file:
        file.write("x")
    said = " ".join(said_by("sweep", str(copy.path)).split())
    assert "damaged: " in said
    assert "metrics.json: is damaged" in (copy.path / "jobs.csv").read_text("utf-8")
    asked = f"in {copy.path / 'sweep.yaml'}, runs"
    assert f"1 of 3 jobs damaged, and left out; without folders, the command line that asked for them, {asked}" in said
    assert f"1 of 4 jobs gone, folder and all; the command line that asked for them, {asked} them again" in said
    assert not (copy.path / "multirun.yaml").exists(), "Hydra's own record holds secrets, too"
    assert all(job.name in said for job in others)
    assert "is the best of 2, chosen on these rows" in said
    said_by("sweep", str(copy.path), "report")
    page = (copy.path / "sweep.html").read_text(encoding="utf-8")
    assert page.count(first.name) == 1, "only why it takes no part in the choice"
    assert "jobs gone" in page


def test_where_scores_cannot_be_read_no_job_is_recommended_and_each_is_named(finished: Sweep, tmp_path: Path) -> None:
    copy = Sweep.open(shutil.copytree(finished.path, tmp_path / finished.path.name))
    *lost, last = copy.jobs
    for job in lost:
        job.run.predictions("val").unlink()
    said = " ".join(said_by("sweep", str(copy.path)).split())
    assert all(f"note: left out: {job.path}" in said for job in lost)
    assert f"note: left out: {last.path}" not in said
    report_jobs(copy)
    assert "Left out: " in Page((copy.path / "sweep.html").read_text(encoding="utf-8")).text
    said = " ".join(said_by("sweep", str(copy.path), "best", code=2).split())
    assert "the scores of too many of its jobs cannot be read" in said
    assert f"left out: {lost[0].path}" in said


def test_that_jobs_have_looked_at_test_is_told(
    finished: Sweep, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(RunSettings, "looks_at_test", True)
    print_jobs(finished, page=False)
    told = "est=true: 4 jobs looked at test, and each look counts"
    assert told in capsys.readouterr().out
    page = report_jobs(finished).read_text(encoding="utf-8")
    assert page.count(told) == 2
    assert "scored the test split while it ran" not in page
    assert "looked at once" not in page
    monkeypatch.undo()
    page = report_jobs(finished).read_text(encoding="utf-8")
    assert "No job scored the test split while it ran." in page
    assert "which is looked at once" in page


def test_a_preset_stands_beside_those_that_its_sweep_has_used() -> None:
    assert place_of(None, None) == Path("experiment/best.yaml")
    assert place_of(None, "/mine") == Path("/mine/experiment/best.yaml")
    for config_dir in (None, "/mine"):
        assert place_of("some/other.yaml", config_dir) == Path("some/experiment/other.yaml")


def test_the_best_configuration_is_a_preset_that_gives_it(finished: Sweep, tmp_path: Path) -> None:
    said = said_by("sweep", str(finished.path), "best", f"output={tmp_path / 'mine' / 'chosen.yaml'}")
    file = tmp_path / "mine" / "experiment" / "chosen.yaml"
    first = file.read_text("utf-8").splitlines()[1]
    assert first == f"# python -m polarity.train --config-dir {tmp_path / 'mine'} experiment=chosen"
    assert first.removeprefix("# ") in said
    preset = yaml.safe_load(file.read_text("utf-8"))
    assert {"override /pooling@model.pooling": "cls"} in preset["defaults"]
    (composed,) = compose_jobs("train", ["experiment=chosen"], config_dir=str(tmp_path / "mine"), multirun=False)
    config = {**resolved(composed.config)[0], "test": False}
    assert PlannedJob(config, []).name in {job.name for job in finished.jobs}
    shown = said_by("sweep", str(finished.path), "best").splitlines()
    assert shown[2].startswith("# once this stands in ")
    assert shown[4:] == file.read_text("utf-8").splitlines()[3:]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nowhere"], "is no sweep's folder"),
        (["a", "b"], "folder: one at a time"),
        (["{sweep}", "output=x.yaml"], "output: has an effect with best only"),
        (["{sweep}", "report", "output=x.html"], "output: has an effect with best only"),
        (["{sweep}", "report", "best"], "best, report: one at a time"),
        (["{sweep}", "best", "output=x.txt"], "output: has to end with .yaml"),
        ([], "folder: has to be given"),
    ],
)
def test_what_is_wrong_is_told(arguments: list[str], problem: str, finished: Sweep) -> None:
    assert problem in said_by("sweep", *(text.format(sweep=finished.path) for text in arguments), code=2)


def test_a_running_job_tells_how_far_it_is(finished: Sweep, tmp_path: Path) -> None:
    copied = Sweep.open(shutil.copytree(finished.path, tmp_path / "copied"))
    run = copied.jobs[1].run
    config = run.path / "config.yaml"
    config.write_text(config.read_text("utf-8").replace("max_epochs: 1\n", "max_epochs: 4\n"), "utf-8")
    run.lock.take()
    run.set_status("running", **this_process())
    said = said_by("sweep", str(copied.path), "watch=false")
    with (copied.path / "jobs.csv").open(encoding="utf-8", newline="") as file:
        row = list(csv.DictReader(file))[1]
    assert (row["state"], row["where"], row["done"]) == ("running", f"{platform.node()}:{os.getpid()}", "1")
    assert float(row["left"]) >= 0
    assert "1 of 4 jobs running in other processes" in said
    run.lock.release()
    assert "1 of 4 jobs interrupted" in said_by("sweep", str(copied.path))


def test_it_is_shown_again_and_again_while_jobs_run(
    finished: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = Sweep.open(shutil.copytree(finished.path, tmp_path / "copied"))
    run, shown = copied.jobs[1].run, []
    run.lock.take()
    run.set_status("running", **this_process())

    def later(_: float) -> None:
        run.set_status("finished" if len(shown) > 1 else "running", **this_process())

    monkeypatch.setattr(
        watching, "Live", lambda **_: nullcontext(SimpleNamespace(update=lambda table, **_: shown.append(table)))
    )
    monkeypatch.setattr(watching, "time", SimpleNamespace(sleep=later))
    said_by("sweep", str(copied.path), "watch=true")
    states = [list(table.columns[2].cells)[1] for table in shown]
    assert [text.partition(" on ")[0] for text in states] == ["running"] * 2
    run.lock.release()


def test_the_report_is_that_of_the_end(finished: Sweep) -> None:
    page = finished.path / "sweep.html"
    source = page.read_text("utf-8")
    page.unlink()
    assert said_by("sweep", str(finished.path), "report").strip() == f"report: {page}"
    assert page.read_text("utf-8") == source
    text = Page(source).text
    with (finished.path / "jobs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(f"{float(row['overall']):.4f}" in text and row["folder"] in text for row in rows)
    assert {f"{row['folder']}/report.html" for row in rows} <= set(Page(source).links)
    assert "best of 4, chosen on these rows" in text
    recommended = text[text.index("python -m polarity.train") :].partition(" python -m")[0]
    assert "loss=" in recommended
    assert "sampler.boosts.tone.none=" in recommended
    assert "boosts.tone.none" in text[text.index("Importance") :]


def test_the_tab_hparams_of_tensorboard_lists_the_same_jobs(finished: Sweep) -> None:
    events = EventMultiplexer().AddRunsFromDirectory(str(finished.path)).Reload()
    backend = Context(TBContext(data_provider=MultiplexerDataProvider(events, str(finished.path))))
    asked = api_pb2.ListSessionGroupsRequest(start_index=0, slice_size=100, allowed_statuses=[0, 1, 2, 3])
    listed = list_session_groups.Handler(RequestContext(), backend, "", asked).run().session_groups
    found = {}
    for group in listed:
        (session,) = group.sessions
        metrics = {one.name.tag: one.value for one in session.metric_values}
        settings = [f"loss={group.hparams['loss'].string_value}", f"{NONE}={group.hparams[NONE].number_value:g}"]
        found[session.name.partition("/")[0]] = (settings, metrics["best/overall"])
    overall = {job.name: read_object(job.run.metrics)["crossfit"]["val"]["overall"] for job in finished.jobs}
    assert found == {job.name: (job.changed, pytest.approx(overall[job.name])) for job in finished.jobs}
    tab = get_experiment.Handler(RequestContext(), backend, "", api_pb2.GetExperimentRequest()).run()
    assert {"loss", NONE} <= {one.name for one in tab.hparam_infos}
    assert "best/overall" in {one.name.tag for one in tab.metric_infos}


def test_jobs_from_before_a_setting_was_searched_have_the_value_of_their_configuration(finished: Sweep) -> None:
    job = finished.jobs[0]
    config = {"optimizer": {"lr": 2e-3}, "sampler": {"alpha": 1, "keep": True}, "seed": 3}
    space = {
        "loss": ["ce"],
        NONE: ["1.5"],
        "optimizer.lr": ["1e-3", "0.002"],
        "sampler.alpha": ["2"],
        "sampler.keep": [],
        "seed": ["3"],
    }
    wanted = {"loss": "ce", NONE: "1.5", "optimizer.lr": "0.002", "sampler.alpha": "1", "sampler.keep": "true"}
    assert values_of(job, config, {**space, "pooling": ["cls"]}) == wanted


def test_a_sweep_that_goes_on_has_a_report(finished: Sweep, tmp_path: Path) -> None:
    copied = Sweep.open(shutil.copytree(finished.path, tmp_path / "copied"))
    running, failed, waiting, damaged = (job.run for job in copied.jobs)
    running.lock.take()
    running.set_status("running", **this_process())
    failed.set_status("failed", error=f"ValueError: {HOSTILE}")
    waiting.set_status("waiting")
    damaged.history.write_bytes(b"\xff\xfe\x00")
    said_by("sweep", str(copied.path), "report")
    page = Page((copied.path / "sweep.html").read_text("utf-8"))
    assert page.problems == []
    assert HOSTILE in page.text
    assert "1 epoch done" in page.text
    assert "1 of 4 jobs running in other processes" in page.text
    assert page.headings["h1"].startswith("One configuration: overall macro-F1")
    running.lock.release()


def test_the_reason_of_a_failure_is_cut_between_words() -> None:
    reason = "no room is left for the weights of the best epoch, which are written to the folder of the run"
    row: Json = {"folder": "a", "changed": "", "state": "failed", "error": reason}
    (shown,) = jobs_table([row]).columns[2].cells
    assert str(shown).endswith(" ...")
    assert reason.startswith(str(shown).removeprefix("failed: ").removesuffix(" ..."))
    assert len(str(shown)) <= len("failed: ") + 70


@pytest.mark.parametrize(("devices", "wanted"), [("1", 1), ("2", 2), ("auto", 1)])
def test_processes_on_a_cpu_are_counted_as_devices(
    devices: str, wanted: int, finished: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = Sweep.open(Path(shutil.copytree(finished.path, tmp_path / "copy")))
    for job in sweep.jobs:
        file = job.path / "config.yaml"
        config = yaml.safe_load(file.read_text("utf-8"))
        config["trainer"]["devices"] = int(devices) if devices.isdigit() else devices
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
    kept: list[SweepContent] = []
    monkeypatch.setattr(page, "write_sweep_report", lambda content, path: kept.append(content) or path)
    report_jobs(sweep)
    assert {trial.devices for trial in kept[0].trials} == {wanted}
