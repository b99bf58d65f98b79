"""The report of a run: its numbers are those of the predictions, and it stands whatever the folder lacks."""

import csv
import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import f1_score

from polarity.analysis import analyse
from polarity.errors import UserError
from polarity.evaluation.predictions import Predictions, TaskPredictions, predictions_table, read_predictions
from polarity.files import checksum, write_text
from polarity.processes import this_process
from polarity.reports.html import write_run_report
from polarity.reports.html.run.baselines import BaselineResult
from polarity.reports.html.run.headline import as_bad, worst_class
from polarity.reports.html.run.history import history_curves
from polarity.reports.html.run.steps import step_curves
from polarity.run import RunDirectory
from polarity.runs.ledger import Ledger
from polarity.runs.manifest import seal
from polarity.spreadsheets import write_csv
from polarity.statistics import Difference, Interval, PairedResult
from polarity.tasks import Task
from polarity.verbs.report import ReportSettings, report
from tests.command import PATIENCE, start
from tests.reports.pages import SECRET, Page, run_folder


def page_of(run: RunDirectory, **settings: Any) -> Page:
    page = Page(write_run_report(run, resamples=100, **settings).read_text(encoding="utf-8"))
    assert page.problems == []
    return page


def test_every_score_is_that_of_the_predictions(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run")
    page = page_of(run)
    for split in ("val", "test"):
        overall = []
        for item in read_predictions(run.predictions(split)).tasks:
            classes = range(len(item.task.classes))
            known = item.known
            scores = f1_score(item.labels[known], item.predicted[known], labels=classes, average=None)
            overall.append(float(np.mean(scores)))
            for score in [*scores, overall[-1]]:
                assert f"{score:.3f}" in page.text
        assert f"{np.mean(overall):.3f}" in page.text


@pytest.mark.parametrize(
    ("skill", "message"),
    [
        (6.0, "Better than the strongest baseline"),
        (1.5, "No evidence that the model is better than the strongest baseline"),
        (-2.0, "Worse than the strongest baseline"),
    ],
)
def test_the_headline_is_honest(skill: float, message: str, tmp_path: Path) -> None:
    page = page_of(run_folder(tmp_path / "run", skill=skill))
    assert page.headings["h1"] == message
    assert "interval" in page.text


@pytest.mark.parametrize(
    ("interval", "p", "verdict"),
    [
        (Interval(0.01, 0.2), 0.01, "better"),
        (Interval(-0.4, -0.01), 0.01, "worse"),
        (Interval(-0.4, -0.01), 0.08, "unclear"),
        (Interval(0.01, 0.2), 0.051, "unclear"),
        (Interval(-0.1, 0.2), 0.01, "unclear"),
        (None, 1.0, "unknown"),
    ],
)
def test_the_verdict_asks_for_interval_and_p_as_compare_does(interval: Interval | None, p: float, verdict: str) -> None:
    nothing: Any = None
    baseline = BaselineResult("linear", "", nothing, PairedResult(Difference(0.1, interval, p), {}))
    assert baseline.verdict == verdict


def test_of_classes_that_are_as_bad_the_largest_is_named_and_the_others_are_counted() -> None:
    task, labels = Task("many", tuple("abcde"), "many"), np.array([0] * 9 + [1] * 2 + [2] * 4 + [3] * 3)
    predictions = Predictions([str(n) for n in range(18)], (TaskPredictions(task, labels, np.zeros(18, dtype=int)),))
    (result,) = analyse(predictions, resamples=10).headline.tasks
    worst = worst_class(result)
    assert worst is not None
    assert (worst.name, as_bad(result, worst)) == ("c", 2)


def test_the_first_screen_names_the_worst_class_of_each_task(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run", splits=("val",))
    first = page_of(run).source.partition('<section id="scores"')[0]
    for item in read_predictions(run.predictions("val")).tasks:
        classes = range(len(item.task.classes))
        scores = f1_score(item.labels[item.known], item.predicted[item.known], labels=classes, average=None)
        row = re.search(rf"<tr><th[^>]*><bdi>{item.task.name}</bdi></th>(.*?)</tr>", first, re.DOTALL)
        assert row is not None
        assert f"<bdi>{item.task.classes[int(np.argmin(scores))]}</bdi>" in row[1]
        assert re.search(rf"{min(scores):.3f}<small>0\.\d+ to 0\.\d+</small>", row[1])


@pytest.mark.parametrize("classes", [3, 30])
def test_a_cell_of_a_confusion_matrix_leads_to_its_mistake(classes: int, tmp_path: Path) -> None:
    names = tuple(f"a long name of the class number {n}" for n in range(classes))
    run = run_folder(tmp_path / "run", tasks=[Task("many", names, "many")])
    page = page_of(run)
    (item,) = read_predictions(run.predictions("val")).tasks
    wrong = item.known & (item.labels != item.honest)
    pairs = {(names[a], names[b]) for a, b in zip(item.labels[wrong], item.honest[wrong], strict=True)}
    link = r'<a href="#(mistake-\d+)" data-task="many" data-label="([^"]+)" data-predicted="([^"]+)"'
    links = re.findall(link, page.source)
    assert {(label, predicted) for _, label, predicted in links} == pairs
    for place, label, predicted in links:
        assert f'<li id="{place}" data-label="{label}" data-predicted="{predicted}"' in page.source
    for label in names:
        assert page.source.count(f'<th scope="row"><bdi>{label}</bdi></th>') >= 4  # scores and matrix, both splits


def test_charts_of_many_classes_show_the_worst_and_say_so(tmp_path: Path) -> None:
    tasks = [Task("many", tuple(f"class {n}" for n in range(12)), "many")]
    page = page_of(run_folder(tmp_path / "run", tasks=tasks, splits=("val",)))
    assert "The 6 of 12 classes with the lowest AP." in page.text
    assert re.search(
        r"Drawn are 6 of 12 classes, those with the lowest F1 in the last epoch( \(\d+ classes|\.)", page.text
    )


def test_what_was_logged_of_the_steps_is_drawn(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run")
    for version, steps in ((0, range(300)), (1, range(250, 500))):  # resumed from step 250
        lines = [[step, 1 + version, 0.1 * version, 0.001, 0.1] for step in steps]
        folder = run.path / "csv" / f"version_{version}"
        folder.mkdir(parents=True)
        write_csv(folder / "metrics.csv", ["step", "step/objective", "gradient/total", "lr-A/head", "lr-A/body"], lines)
    loss, gradient, rate = step_curves(run.path / "csv")
    assert (loss.epochs[0], loss.epochs[-1], len(loss.epochs)) == (3, 500, 200)
    assert loss.lines["objective"][0] == 1
    assert loss.lines["objective"][-1] == loss.lines["objective"][101] == 2, "what was trained again counts once"
    assert gradient.lines["total"][-1] == pytest.approx(0.1)
    assert rate.lines["highest"][0] == pytest.approx(0.1)
    text = page_of(run).text
    for title in ("objective of each step", "gradient norm", "learning rate"):
        assert title in text
    assert "rows per second" not in text  # which this history does not tell


def test_every_column_of_the_history_that_is_known_is_drawn() -> None:
    columns = (
        "train/lr",
        "train/gradient_norm",
        "rows_per_second",
        "seconds",
        "train/objective",
        "train/tone/loss",
        "val/tone/loss",
    )
    history = [{"epoch": str(epoch), **dict.fromkeys(columns, "0.5")} for epoch in range(2)]
    titles = {curves.title: list(curves.lines) for curves in history_curves(history, {"tone": ("a",)})}
    assert titles.pop("tone: cross-entropy") == ["training", "validation"]  # the same measure of both
    alone = {"training objective", "learning rate", "gradient norm", "rows per second", "seconds per epoch"}
    assert set(titles) == alone


def test_without_baselines_the_headline_is_the_score(tmp_path: Path) -> None:
    page = page_of(run_folder(tmp_path / "run", baselines=()))
    assert page.headings["h1"].startswith("Overall macro-F1 0.")
    assert "No baseline was computed" in page.text


@pytest.mark.parametrize(
    "lacking",
    [
        {"extras": False},
        {"splits": ("val",)},
        {"splits": ("test",)},
        {"baselines": ()},
        {"bare": True},
        {"tasks": [Task("only", ("a", "b", "c"), "only")]},
        {"tasks": [Task("many", tuple(f"class number {n}" for n in range(15)), "many")]},
        {"extras": False, "baselines": (), "splits": ("val",), "bare": True},
    ],
    ids=str,
)
def test_what_is_lacking_is_left_out(lacking: dict[str, Any], tmp_path: Path) -> None:
    page = page_of(run_folder(tmp_path / "run", **lacking))
    assert ("Learning curves" in page.text) is lacking.get("extras", True)
    assert ("Exposure" in page.text) is lacking.get("extras", True)
    assert ("majority class" in page.text) is bool(lacking.get("baselines", True))
    assert ("NLL" in page.text) is not lacking.get("bare", False)


def test_a_class_and_a_task_without_labels_are_said_to_have_none(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run", splits=("val",), baselines=())
    predictions = read_predictions(run.predictions("val"))
    predictions.tasks[0].labels[predictions.tasks[0].labels == 2] = -100
    predictions.tasks[1].labels[:] = -100
    pq.write_table(predictions_table(predictions), run.predictions("val"))
    adopt(run, "val")
    page = page_of(run)
    assert "no row has this label" in page.text
    assert "no row has a label, so it has no scores" in page.text.lower()


def adopt(run: RunDirectory, split: str) -> None:
    """Let the run know a changed file as its own."""

    content = json.loads(run.metrics.read_text())
    content["sha256"][f"predictions/{split}.parquet"] = checksum(run.predictions(split))
    write_text(run.metrics, json.dumps(content))


def test_texts_can_be_switched_off(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run")
    assert SECRET in page_of(run).text
    private = page_of(run, texts=False)
    assert SECRET not in private.source
    assert "row-" in private.text  # the mistakes stay, by their ids


def test_texts_of_any_length_are_shown(tmp_path: Path) -> None:
    run, before = run_folder(tmp_path / "run"), csv.field_size_limit()
    text = f"{SECRET} " + "x" * 2 * before
    write_csv(run.mistakes, ["task", "id", "text"], [["topic", f"row-{number}", text] for number in range(120)])
    assert "x" * 2 * before in page_of(run).source
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("given", [["data.tasks={tone:[no,yes]}", "note=a b"], []])
def test_what_was_set_is_shown_as_a_shell_takes_it(given: list[str], tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run")
    (run.path / "overrides.yaml").write_text(json.dumps(given))
    page = page_of(run)
    assert not given or shlex.join(given) in page.text.replace("\\ ", "")
    assert ("Nothing was set" in page.text) == (not given)


def test_the_run_says_itself_whether_texts_are_private(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run")
    write_text(run.path / "config.yaml", json.dumps({"reporting": {"texts": False, "resamples": 100}}))
    assert SECRET not in page_of(run).source
    assert SECRET in page_of(run, texts=True).source


def test_machines_have_cores_and_threads_in_any_number(tmp_path: Path) -> None:
    assert "2 cores, 1 thread " in page_of(run_folder(tmp_path / "run")).text


def test_the_ledger_is_counted(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run")
    for name in ("one", "two"):
        Ledger(run.path / "cache").record(
            "test-mark", run=name, configuration=name, verb="train", overall=0.5, tasks={}
        )
    assert "looked at 2 times by 2 configurations" in page_of(run).text


def test_the_same_folder_gives_the_same_page(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run")
    assert page_of(run).source == page_of(run).source


def edited(run: RunDirectory) -> None:
    predictions = read_predictions(run.predictions("test"))
    predictions.tasks[0].predicted[0] = (predictions.tasks[0].predicted[0] + 1) % 3
    pq.write_table(predictions_table(predictions), run.predictions("test"))


def cut_off(run: RunDirectory) -> None:
    run.predictions("val").write_bytes(run.predictions("val").read_bytes()[:-100])


def lost(run: RunDirectory) -> None:
    run.predictions("val").unlink()


def other_rows(run: RunDirectory) -> None:
    predictions = read_predictions(run.baseline("linear", "val")).select(np.arange(10))
    pq.write_table(predictions_table(predictions), run.baseline("linear", "val"))


def other_labels(run: RunDirectory) -> None:
    predictions = read_predictions(run.baseline("linear", "val"))
    predictions.tasks[0].labels[:] = 0
    pq.write_table(predictions_table(predictions), run.baseline("linear", "val"))


def a_cell_too_many(run: RunDirectory) -> None:
    with run.history.open("a", encoding="utf-8") as file:
        file.write(f"{',' * 99}\n")


def of_an_older_version(run: RunDirectory) -> None:
    write_text(run.metrics, json.dumps({"version": 1}))


def going_on(run: RunDirectory) -> None:
    run.lock.take()
    run.set_status("running", **this_process())


def failed(run: RunDirectory) -> None:
    run.set_status("failed", error="out of memory")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (edited, "was changed after the run wrote it"),
        (cut_off, "damaged or cut off"),
        (lost, "there is no such file"),
        (other_rows, "has other rows"),
        (other_labels, "has other labels"),
        (a_cell_too_many, "history.csv: is damaged and cannot be read (a row has more cells than the header)"),
        (of_an_older_version, "names no file of predictions"),
        (going_on, "still going on"),
        (failed, "failed (out of memory)"),
    ],
)
def test_what_is_spoilt_is_reported_and_nothing_is_written(
    spoil: Callable[[RunDirectory], None], message: str, tmp_path: Path
) -> None:
    run = run_folder(tmp_path / "run")
    spoil(run)
    seal(run)  # what its manifest says is tried in tests/security/
    with pytest.raises(UserError) as raised:
        report(ReportSettings(str(run.path), None, 100))
    assert message in str(raised.value)
    assert not run.report.exists()


@pytest.mark.slow
def test_the_command_writes_the_report(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run")
    arguments, streams = (f"run={run.path}", "texts=false", "resamples=100"), {"stderr": subprocess.PIPE}
    process = start("report", *arguments, folder=tmp_path, **streams)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert said.strip() == str(run.report)
    going_on(run)
    process = start("report", *arguments, folder=tmp_path, **streams)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "still going on" in errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_a_real_run_leaves_its_report(tmp_path: Path) -> None:
    from tests.running import train

    run = train(tmp_path)
    page = Page(run.report.read_text(encoding="utf-8"))
    assert page.problems == []
    for name in ("Baselines", "Learning curves", "Calibration", "Exposure", "Slices", "Mistakes", "looked at once"):
        assert name in page.text
