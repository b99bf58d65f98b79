"""Cross-validation as its users meet it: every fold a run, every row once, and numbers that can be recomputed."""

import csv
import json
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import t as student

import polarity
from polarity.crossvalidation.run import _record_end_of_fold, resume, start
from polarity.data.folds import FoldedRows, Folds
from polarity.data.rows import Splits
from polarity.errors import UserError
from polarity.evaluation.predictions import read_predictions
from polarity.files import read_object, write_json
from polarity.posthoc import Decider
from polarity.reports.folds import folds_table
from polarity.run import RunDirectory
from polarity.runs.manifest import check_unchanged, seal
from polarity.runs.saved import finished_run
from polarity.training.run import start_run
from polarity.training.status import StatusRecorder
from tests import command
from tests.documented import undocumented
from tests.misfortune import misfortune
from tests.running import composed, overrides
from tests.sameness import assert_same_runs
from tests.verbs import outcome_of, said_by

SETTINGS = ("trainer.max_epochs=1", "trainer.log_every_n_steps=1", "reporting.resamples=200", "folds=2")


def cross_validate(folder: Path, *more: str, rows: int = 120) -> RunDirectory:
    arguments = overrides(folder, *SETTINGS, *more, rows=rows)
    config = {**composed(*arguments), "test": True}
    start(config, arguments, keep_going=False)
    return RunDirectory.open(folder / "outputs" / "latest")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return cross_validate(tmp_path_factory.mktemp("folds"))


def numbers(run: RunDirectory) -> Any:
    return json.loads(run.metrics.read_text(encoding="utf-8"))


def test_what_a_signal_stops_within_a_fold_is_stopped_and_no_failure(tmp_path: Path) -> None:
    whole = RunDirectory.create(tmp_path, {"folds": 2}, [])
    fold = RunDirectory.create(whole.path, {"fold": 1}, [], name="fold-1")
    for interrupted, end in ((True, f"go on with it: python -m polarity.train resume={whole.path}"), (False, "no sco")):
        fold.set_status("failed", error="interrupted by SIGTERM", interrupted=interrupted)
        whole.set_status("running")
        _record_end_of_fold(StatusRecorder(whole), 2, SystemExit(143))
        with pytest.raises(UserError, match=r"fold-1: interrupted by SIGTERM\)") as refused:
            finished_run(whole.path)
        assert end in refused.value.problems[0]
    fold.set_status("failed", error="interrupted by SIGTERM", interrupted=True)
    with pytest.raises(UserError, match=f"resume={whole.path}$"):
        finished_run(fold.path)


@pytest.mark.slow
def test_every_row_is_scored_once_by_the_model_that_has_not_seen_it(whole: RunDirectory) -> None:
    file = pq.read_table(whole.predictions("out_of_fold"))
    assert file["id"].to_pylist() == list(dict.fromkeys(file["id"].to_pylist()))
    data = json.loads(whole.environment.read_text(encoding="utf-8"))["data"]
    assert len(file) == data["train"]["rows"] + data["val"]["rows"]
    for number in (1, 2):
        own = read_predictions(RunDirectory(whole.fold(number)).predictions("test"))
        rows = file.filter(np.array(file["#fold"]) == number)
        assert sorted(rows["id"].to_pylist()) == sorted(own.ids)
        trained = json.loads((whole.fold(number) / "environment.json").read_text(encoding="utf-8"))["data"]
        assert trained["train"]["rows"] + trained["val"]["rows"] + len(own) == len(file)
        place = {name: row for row, name in enumerate(rows["id"].to_pylist())}
        order = [place[name] for name in own.ids]
        for item in own.tasks:
            for c, label in enumerate(item.task.classes):
                assert item.probabilities is not None
                column = rows[f"{item.task.name}.prob.{label}"].to_numpy()[order]
                assert (column == item.probabilities[:, c]).all()


def test_intervals_are_those_of_the_formula(whole: RunDirectory) -> None:
    result = numbers(whole)
    for name, interval in [("overall", result["intervals"]["overall"]), *result["intervals"]["tasks"].items()]:
        values = [fold["overall"] if name == "overall" else fold["macro_f1"][name] for fold in result["folds"]]
        pooled = (
            result["out_of_fold"]["overall"] if name == "overall" else result["out_of_fold"]["tasks"][name]["macro_f1"]
        )
        reach = student.ppf(0.975, 1) * np.sqrt((1 / 2 + 1) * np.var(values, ddof=1))
        assert interval["value"] == pooled
        assert interval["low"] == pytest.approx(max(0, pooled - reach))
        assert interval["high"] == pytest.approx(min(1, pooled + reach))


def test_every_key_of_the_metrics_is_documented(whole: RunDirectory) -> None:
    assert undocumented("folds.md", numbers(whole)) == set()


def test_the_table_has_a_line_for_each_fold_and_one_for_all(whole: RunDirectory) -> None:
    table, found = folds_table(numbers(whole)), numbers(whole)
    cells = {column.header: list(column.cells) for column in table.columns}
    assert cells["fold"] == ["fold-1", "fold-2", "all [95% interval]"]
    assert cells["held out"] == [str(fold["rows"]) for fold in found["folds"]] + [str(found["out_of_fold"]["rows"])]


def test_what_stops_a_fold_is_what_stops_the_whole(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        cross_validate(tmp_path, misfortune(tmp_path, within="fold-1"), rows=60)
    (run,) = (RunDirectory.open(path) for path in (tmp_path / "outputs").iterdir())
    assert ended.value.code == 1
    assert (run.status["state"], run.status["error"]) == ("failed", "fold-1: power failure")
    assert not run.fold(2).exists()


@pytest.mark.parametrize("place", ["fold_line", "_metrics"])
def test_a_signal_between_folds_or_after_the_last_ends_it_in_good_order(
    place: str, whole: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunDirectory(shutil.copytree(whole.path, tmp_path / "run"))
    run.set_status("failed", error="power failure")
    room = "run" if place == "fold_line" else "finish"
    monkeypatch.setattr(f"polarity.crossvalidation.{room}.{place}", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit) as ended:
        resume(str(run.path))
    assert ended.value.code == 128 + signal.SIGTERM
    assert run.status["interrupted"]
    said = " ".join(capsys.readouterr().out.split())
    assert "The run stopped: interrupted by SIGTERM" in said
    assert f"resume={run.path}" in said.replace(" ", "")


@pytest.mark.parametrize(("key", "code"), [("hidden_act", 2), ("terms", 0)])
def test_folds_of_two_encoders_are_not_put_together(key: str, code: int, whole: RunDirectory, tmp_path: Path) -> None:
    """As many n-grams as its rows have is what each fold may have."""
    run = RunDirectory(shutil.copytree(whole.path, tmp_path / "run"))
    run.set_status("failed", error="power failure")
    second = RunDirectory(run.fold(2))
    for fold, value in ((RunDirectory(run.fold(1)), "one"), (second, "other")):
        known = json.loads(fold.environment.read_text(encoding="utf-8"))
        known["encoder"][key] = value
        fold.environment.write_text(json.dumps(known), encoding="utf-8")
    if not code:
        assert resume(str(run.path)) > 0
        return
    with pytest.raises(SystemExit):
        resume(str(run.path))
    said = run.status["error"]
    assert said.startswith(
        f"resume: {second.path.name} has another encoder than fold-1 (hidden_act: one then, other now)"
    )


def test_the_whole_is_sealed_and_its_report_can_be_made_again(whole: RunDirectory) -> None:
    check_unchanged(whole)
    before = whole.report.read_text(encoding="utf-8")
    assert "Held-out rows that were wrong" in before
    assert "The score is of these rows" in before
    assert "Validation rows that were wrong" not in before
    assert re.search(r'<a href="#mistake-\d+" data-task=', before)
    assert "the folds are cut from all of these rows but those of test" in before
    assert ">Folds<" in before
    assert "fold-2" in before
    assert "Decision rule of the mean: " in before
    said_by("report", f"run={whole.path}")
    assert whole.report.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("verb", ["evaluate", "export"])
def test_it_has_no_model_of_its_own(verb: str, whole: RunDirectory, tmp_path: Path) -> None:
    more = ["format=hf"] if verb == "export" else []
    code, said = outcome_of(verb, f"run={whole.path}", *more)
    assert code == 2
    assert f"is a cross-validation, which has a model for each fold; give one of them: {whole.fold(1)}" in said
    assert "1 problem;" in said


def test_new_rows_are_answered_by_the_mean_of_the_folds(whole: RunDirectory, tmp_path: Path) -> None:
    texts = ["a good army", "the awful bread of it", "seven"]
    of_folds = [polarity.load(whole.fold(number)).predict(texts) for number in (1, 2)]
    source, output = tmp_path / "new.csv", tmp_path / "out.csv"
    source.write_text("\n".join(["text", *texts]), encoding="utf-8")
    said_by("predict", f"run={whole.path}", f"input={source}", f"output={output}")
    with output.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    decider = Decider.load(whole.model)
    for row, parts in zip(rows, zip(*of_folds, strict=True), strict=True):
        for task, classes in (("tone", ("yes", "no", "none", "1")), ("topic", ("war", "food"))):
            mean = {name: np.mean([part[task].probabilities[name] for part in parts]) for name in classes}
            assert [float(row[f"{task}.prob.{name}"]) for name in classes] == pytest.approx(
                list(mean.values()), abs=1e-6
            )
            (chosen,) = decider.tasks[task].decide(np.log([[mean[name] for name in classes]]))
            assert row[f"{task}.pred"] == classes[chosen]
    assert polarity.load(whole.path).predict(texts)[0]["tone"].label == rows[0]["tone.pred"]


def test_the_mean_has_a_rule_of_its_own_that_is_of_no_other_folds(whole: RunDirectory, tmp_path: Path) -> None:
    assert numbers(whole)["average"]["tone"]["decision"]["reason"] in " ".join(whole.log.read_text("utf-8").split())
    shutil.copytree(whole.path, tmp_path / "other")
    other = RunDirectory(tmp_path / "other")
    rule = read_object(other.model / "decision.json")
    rule["tasks"]["topic"]["rule"] = {"kind": "bias", "bias": [-50.0, 50.0]}
    write_json(other.model / "decision.json", rule)
    seal(other)
    texts = ["a good army", "soldier tank army"]
    assert [answer["topic"].label for answer in polarity.load(other.path).predict(texts)] == ["food", "food"]
    for answer in polarity.load(other.path, decision="argmax").predict(texts):
        probabilities = answer["topic"].probabilities
        assert probabilities[answer["topic"].label] == max(probabilities.values())
    other.fold(1).rename(tmp_path / "first")
    shutil.copytree(other.fold(2), other.fold(1))
    with pytest.raises(UserError, match="its decision rule was fitted for other folds"):
        polarity.load(other.path)


def test_a_fold_is_a_run(whole: RunDirectory) -> None:
    said = said_by("evaluate", f"run={whole.fold(2)}", "split=test")
    assert "the run's own predictions are reproduced" in said


@pytest.mark.slow
def test_held_out_labels_touch_neither_model_nor_rule(whole: RunDirectory) -> None:
    """Also: a fold alone is the same run as within the whole."""
    cut = FoldedRows.of

    def poisoned(self: FoldedRows, fold: int) -> Splits:
        splits = cut(self, fold)
        assert splits.test is not None
        splits.test.labels = np.random.default_rng(0).permuted(splits.test.labels, axis=0)
        return splits

    folder, seed = whole.path.parents[1], Folds(2).seed(42, 1)
    arguments = overrides(folder, *SETTINGS, "fold=1", f"seed={seed}", f"output_dir={folder / 'poisoned'}")
    with patch.object(FoldedRows, "of", poisoned), patch("polarity.config.preflight._fold_once", FoldedRowsAnew()):
        start_run({**composed(*arguments), "test": True}, arguments, keep_going=False)
    other, own = RunDirectory.open(folder / "poisoned" / "latest"), RunDirectory(whole.fold(1))
    for path in sorted(own.model.iterdir()):
        assert path.read_bytes() == (other.model / path.name).read_bytes(), path.name
    labels = [read_predictions(run.predictions("test")).labels for run in (own, other)]
    assert (labels[0] != labels[1]).any()


class FoldedRowsAnew:
    """In the place of a cache."""

    def __call__(self, key: str, folds: Folds) -> FoldedRows:
        from polarity.config.preflight import _load_once

        corpus, splits, _ = _load_once(key)
        return FoldedRows(corpus, splits, folds)


def test_refusals(whole: RunDirectory, tmp_path: Path) -> None:
    folder = whole.path.parents[1]
    fold = whole.fold(1)
    wrong = {
        ("folds=1",): "folds: ",
        ("folds=60",): "folds: 60 are too many for class",
        ("folds=3", f"from={fold}"): "from: that run has been trained on rows that folds hold out",
        ("folds=3", "test=true"): "test: has no effect with folds",
        ("folds=3", "fold=4"): "fold: is 4, but there are 3 folds",
        ("folds=null", "fold=2"): "fold: has no effect without folds",
        ("folds=null", "repeats=2"): "repeats: has no effect without folds",
        ("folds=3", "trainer=ddp", "trainer.devices=2"): "folds: each of 2 processes would start the whole",
        ("-m", "folds=3", "seed=1,2"): "folds: each cross-validation has a command of its own",
    }
    there = sorted(path.name for path in (folder / "outputs").iterdir())
    for settings, problem in wrong.items():
        flags = [text for text in settings if text == "-m"]
        code, said = outcome_of("train", *flags, *overrides(folder, *settings[len(flags) :]))
        assert code == 2, (settings, said)
        assert problem in said, (settings, said)
        assert f"{1} problem" in said, (settings, said)
    assert sorted(path.name for path in (folder / "outputs").iterdir()) == there


@pytest.mark.slow
def test_repeats_score_every_row_as_often(tmp_path: Path) -> None:
    run = cross_validate(tmp_path, "repeats=2", "reporting.baselines=false", rows=60)
    file = pq.read_table(run.predictions("out_of_fold"))
    ids = np.array(file["id"].to_pylist())
    for repeat in (1, 2):
        assert sorted(ids[np.array(file["#repeat"]) == repeat]) == sorted(set(ids))
    result = numbers(run)
    assert [fold["repeat"] for fold in result["folds"]] == [1, 1, 2, 2]
    assert result["intervals"]["overall"]["degrees_of_freedom"] == 3
    assert len(read_predictions(run.predictions("out_of_fold"))) == len(set(ids)), "other readers see the first repeat"
    page = run.report.read_text(encoding="utf-8")
    assert "means over 2 repeats" in page
    assert page.count("<h3>Out-of-fold, repeat 1 of 2</h3>") == 4  # confusion, curves, calibration, slices
    matrices = re.findall(r'<table[^>]*class="[^"]*matrix.*?</table>', page, re.DOTALL)
    assert matrices
    for matrix in matrices:  # of the first repeat, cells and margins
        lines = [re.findall(r'<td class="n[^>]*>(?:<a[^>]*>)?([^<]*)', line) for line in matrix.split("<tr")[2:]]
        cells = np.array([[int(cell) for cell in line[:-2]] for line in lines[:-2]])
        assert [line[-1] for line in lines[:-2]] == [f"{x:.2f}" for x in np.diag(cells) / cells.sum(axis=1)]
        assert [int(cell) for cell in lines[-2][:-2]] == cells.sum(axis=0).tolist()


@pytest.mark.slow
def test_killed_in_its_second_fold_and_resumed_it_ends_like_one_that_was_not(tmp_path: Path) -> None:
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    settings = ("folds=2", "trainer.max_epochs=2", "reporting.baselines=false")
    killed = misfortune(tmp_path, kind="kill", epoch=1, batch=1, within="fold-2")
    command.run("train", *overrides(tmp_path, *settings, killed, rows=60), folder=tmp_path, code=-9)
    (run,) = (RunDirectory.open(path) for path in (tmp_path / "outputs").iterdir() if path.is_dir())
    assert run.status["state"] == "stopped"
    assert [RunDirectory(run.fold(number)).status["state"] for number in (1, 2)] == ["finished", "stopped"]
    before = RunDirectory(run.fold(1)).metrics.read_bytes()
    said = command.run("train", f"resume={run.path}", "trust=tests.misfortune", folder=undisturbed)
    assert "fold 1 of 2" in said
    assert "finished before" in said
    assert RunDirectory(run.fold(1)).metrics.read_bytes() == before
    command.run("train", *overrides(tmp_path, *settings, f"output_dir={undisturbed}"), folder=tmp_path)
    other = RunDirectory.open(undisturbed / "latest")
    for number in (1, 2):
        assert_same_runs(RunDirectory(run.fold(number)), RunDirectory(other.fold(number)))
    assert run.predictions("out_of_fold").read_bytes() == other.predictions("out_of_fold").read_bytes()
    assert numbers(run)["intervals"] == numbers(other)["intervals"]
