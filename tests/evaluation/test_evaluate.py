"""A finished run is evaluated from its folder alone, gives what it gave, and anything foreign in it is an error."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import f1_score

from polarity.config.verb import read_settings
from polarity.errors import UserError
from polarity.evaluate import read_evaluate_settings
from polarity.evaluation.predictions import read_predictions, write_predictions
from polarity.files import write_json
from polarity.run import RunDirectory
from polarity.runs.ledger import ledger_of
from polarity.runs.manifest import seal
from polarity.runs.saved import read_metrics
from polarity.runs.storing import PREDICTIONS
from polarity.verbs.evaluate import evaluate
from tests.command import run as command
from tests.documented import undocumented
from tests.readings import holding
from tests.running import train, write_corpus
from tests.verbs import said_by

KEPT = "calibration.standard_errors=null"
SHORT = ("trainer.max_epochs=1", "reporting.baselines=false", "reporting.resamples=100", "head.dropout=0", KEPT)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(tmp_path_factory.mktemp("run"), *SHORT)


@pytest.fixture(scope="module")
def other(finished: RunDirectory) -> RunDirectory:
    return train(finished.path.parents[1], *SHORT, "seed=7")


@pytest.fixture
def run(finished: RunDirectory, tmp_path: Path) -> RunDirectory:
    """A copy that may be spoilt, with a ledger of its own."""
    folder = tmp_path / "copy"
    shutil.copytree(finished.path, folder)
    copy = RunDirectory(folder)
    config = copy.config
    text = (folder / "config.yaml").read_text(encoding="utf-8")
    (folder / "config.yaml").write_text(text.replace(str(config["cache_dir"]), str(tmp_path / "cache")))
    return copy


def evaluated(run: RunDirectory, *overrides: str, decision: Any = "stored") -> Path:
    settings = read_settings("evaluate", [f"run={run.path}", *overrides])
    assert settings is not None
    return evaluate(replace(settings, decision=decision))


def metrics_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return content


def refused(run: RunDirectory, match: str, *overrides: str, decision: Any = "stored") -> UserError:
    with pytest.raises(UserError, match=match) as error:
        evaluated(run, *overrides, decision=decision)
    assert not run.evaluation("any").parent.exists(), "nothing is written"
    return error.value


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


# The run's own splits


@pytest.mark.parametrize("split", ["val", "test"])
def test_it_gives_the_predictions_and_scores_of_the_run(
    run: RunDirectory, split: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = evaluated(run, f"split={split}")
    assert folder == run.evaluation(split)
    stored, again = read_predictions(run.predictions(split)), read_predictions(folder / PREDICTIONS)
    assert again.ids == stored.ids
    assert again.metadata == stored.metadata
    assert np.array_equal(again.tokens, stored.tokens)
    for one, two in zip(again.tasks, stored.tasks, strict=True):
        assert one.task.classes == two.task.classes
        assert np.abs(one.logits - two.logits).max() <= 1e-5
        assert np.array_equal(one.labels, two.labels)
        assert np.array_equal(one.predicted, two.predicted)
        assert np.array_equal(one.honest, two.honest)
    metrics, known = metrics_of(folder), read_metrics(run)
    assert metrics[split] == known[split]
    assert metrics["uncalibrated"][split] == known["uncalibrated"][split]
    assert metrics.get("crossfit", {}).get("val") == (known["crossfit"]["val"] if split == "val" else None)
    assert metrics["best"] == known["best"]
    said = capsys.readouterr().out
    assert "the run's own predictions are reproduced" in said
    assert f"checkpoint {known['best']['checkpoint']}" in said
    assert f"{len(stored):,} rows" in said


def test_every_key_of_the_metrics_is_documented(run: RunDirectory, tmp_path: Path) -> None:
    own = read_metrics(run)
    assert undocumented("training.md", own, own["val"], own["best"]) == set()
    folder = evaluated(run)
    metrics = metrics_of(folder)
    assert undocumented("evaluation.md", metrics, metrics["data"], metrics["reproduced"]) == set()
    folder = evaluated(run, f"data.path={write_rows(tmp_path / 'new.csv', rows_of(Path(run.config['data']['path'])))}")
    metrics = metrics_of(folder)
    parts = (metrics["data"], *metrics["overlap"].values(), metrics["without_overlap"])
    assert undocumented("evaluation.md", metrics, *parts, names=(folder.name,)) == set()


def test_scores_are_those_of_its_predictions(run: RunDirectory) -> None:
    folder = evaluated(run)
    predictions, metrics = read_predictions(folder / PREDICTIONS), metrics_of(folder)
    for item in predictions.tasks:
        labels, every = item.labels[item.known], range(len(item.task.classes))
        for section, decided in (
            (metrics["val"], item.predicted),
            (metrics["uncalibrated"]["val"], item.argmax),
            (metrics["crossfit"]["val"], item.honest),
        ):
            expected = f1_score(labels, decided[item.known], labels=every, average="macro", zero_division=0)
            assert section["tasks"][item.task.name]["macro_f1"] == pytest.approx(expected)
    assert (folder / "details" / "slices.csv").is_file()
    assert json.loads((folder / "analysis.json").read_text())["rows"] == len(predictions)


def test_argmax_gives_the_uncalibrated_scores(run: RunDirectory) -> None:
    folder = evaluated(run, "split=val", decision="argmax")
    assert folder == run.evaluation("val-argmax")
    metrics = metrics_of(folder)
    assert metrics["val"] == read_metrics(run)["uncalibrated"]["val"]
    assert "crossfit" not in metrics
    analysis = json.loads((folder / "analysis.json").read_text())
    assert [task["fitted_here"] for task in analysis["calibration"]] == [True, True]


@pytest.mark.parametrize("decision", ["stored", "argmax"])
def test_what_has_decided_is_named(run: RunDirectory, decision: str) -> None:
    said = " ".join(said_by("evaluate", f"run={run.path}", f"decision={decision}", "accelerator=cpu").split())
    assert ("decided (the stored decision rule)" in said) == (decision == "stored")
    assert ("decided (argmax, as asked for in place of the stored" in said) == (decision == "argmax")


def test_a_second_evaluation_replaces_the_first(run: RunDirectory) -> None:
    first = evaluated(run)
    (first / "stale").touch()
    assert evaluated(run) == first
    assert not (first / "stale").exists()
    assert [path.name for path in first.parent.iterdir()] == ["val"]


def test_batches_of_another_size_give_nearly_the_same(run: RunDirectory) -> None:
    folder = evaluated(run, "batch_size=3")
    reproduced = metrics_of(folder)["reproduced"]
    assert reproduced["difference"] < 1e-4 < reproduced["tolerance"]
    assert metrics_of(folder)["val"] == read_metrics(run)["val"]


def test_looks_at_the_test_split_are_counted_and_those_at_validation_not(
    run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = ledger_of(run.config)
    mark = json.loads(run.environment.read_text())["data"]["test"]["fingerprint"]
    evaluated(run)
    assert ledger.evaluations(mark).times == 0
    evaluated(run, "split=test")
    assert "this test split has been looked at once by 1 configuration" in capsys.readouterr().out
    evaluated(run, "split=test", decision="argmax")
    assert "this test split has been looked at 2 times by 2 configurations" in capsys.readouterr().out
    look = ledger.evaluations(mark).entries[0]
    assert (look.run, look.verb) == (str(run.path), "evaluate")
    assert look.overall == read_metrics(run)["test"]["overall"]
    assert look.tasks["tone"] == read_metrics(run)["test"]["tasks"]["tone"]["macro_f1"]


def test_no_test_score_is_shown_if_the_look_cannot_be_recorded(
    run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated(run)
    shutil.rmtree(run.evaluation("val").parent)
    capsys.readouterr()
    (tmp_path / "cache" / "ledger").write_text("in the way")
    refused(run, "ledger", "split=test")
    assert capsys.readouterr().out == ""


def test_private_texts_stay_private(run: RunDirectory) -> None:
    texts = [row["text"] for row in rows_of(Path(run.config["data"]["path"]))]
    assert holding(evaluated(run), texts) == {"mistakes.csv"}
    folder = evaluated(run, "texts=false")
    assert rows_of(folder / "details" / "mistakes.csv"), "there are some, without their texts"
    assert holding(folder, texts) == set()


# New rows


def test_new_rows_are_scored_by_the_runs_own_data_settings(run: RunDirectory, tmp_path: Path) -> None:
    path = write_corpus(tmp_path / "more.csv", rows=60, seed=9)
    folder = evaluated(run, f"data.path={path}")
    assert folder.name.startswith("more-")
    predictions, rows = read_predictions(folder / PREDICTIONS), rows_of(path)
    assert predictions.ids == [row["id"] for row in rows]
    assert predictions.metadata["source"] == [row["source"] for row in rows]
    tone = predictions.tasks[0]
    assert [tone.task.classes[c] if c >= 0 else "" for c in tone.labels] == [row["tone"] for row in rows]
    metrics = metrics_of(folder)
    assert metrics[folder.name]["rows"] == 60
    assert metrics["path"] == str(path)
    assert metrics["data"]["fingerprint"][:8] == folder.name.removeprefix("more-")


def test_quotes_of_new_rows_may_be_ordinary_characters(run: RunDirectory, tmp_path: Path) -> None:
    rows = rows_of(write_corpus(tmp_path / "more.csv", rows=40, seed=9))
    lines = [",".join([row["id"], f'"{row["text"]}', row["tone"], row["topic"], row["source"]]) for row in rows]
    (tmp_path / "quotes.csv").write_text("\n".join(["id,text,tone,topic,source", *lines]) + "\n")
    with pytest.raises(UserError, match=r'data\.quote=""'):
        evaluated(run, f"data.path={tmp_path / 'quotes.csv'}")
    folder = evaluated(run, f"data.path={tmp_path / 'quotes.csv'}", 'data.quote=""')
    assert read_predictions(folder / PREDICTIONS).ids == [row["id"] for row in rows]


def test_other_columns_and_formats_can_be_given(run: RunDirectory, tmp_path: Path) -> None:
    rows = rows_of(write_corpus(tmp_path / "more.csv", rows=40, seed=9))
    one = read_predictions(evaluated(run, f"data.path={tmp_path / 'more.csv'}") / PREDICTIONS)
    renamed = [
        {"n": r["id"], "words": r["text"], "Ton": r["tone"], "topic": r["topic"], "where": r["source"]} for r in rows
    ]
    (tmp_path / "more.jsonl").write_text("\n".join(json.dumps(row) for row in renamed))
    other_columns = ["data.id=n", "data.text=words", "data.tasks={tone: Ton}", "data.metadata=[where]"]
    folder = evaluated(run, f"data.path={tmp_path / 'more.jsonl'}", *other_columns)
    two = read_predictions(folder / PREDICTIONS)
    assert one.ids == two.ids
    assert two.metadata == {"where": one.metadata["source"]}
    for first, second in zip(one.tasks, two.tasks, strict=True):
        assert np.array_equal(first.labels, second.labels)
        assert np.array_equal(first.logits, second.logits)


def test_overlap_with_training_rows_is_reported(
    run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = rows_of(Path(run.config["data"]["path"]))
    held_out = {name for split in ("val", "test") for name in read_predictions(run.predictions(split)).ids}
    known = [row for row in trained if row["id"] not in held_out and len(row["text"]) > 60]
    new = rows_of(write_corpus(tmp_path / "more.csv", rows=30, seed=9))
    exact = [{**row, "id": f"again {number}", "text": f"  {row['text']} "} for number, row in enumerate(known[:4])]
    near = [
        {**row, "id": f"nearly {number}", "text": f"{row['text'].upper()}!!"} for number, row in enumerate(known[4:7])
    ]
    path = write_rows(tmp_path / "mixed.csv", [*new, *exact, *near])
    folder = evaluated(run, f"data.path={path}")
    overlap = metrics_of(folder)["overlap"]["train"]
    assert (overlap["exact"], overlap["near"]) == (4, 3)
    assert "'again 0'" in overlap["examples"][0]
    assert metrics_of(folder)["without_overlap"]["rows"] == 30
    said = capsys.readouterr().out
    assert "7 of 37 rows (18.9%) stand in the train split that the run was trained on: 4 exactly, 3 nearly" in said
    assert "without these rows, overall is" in said


def test_rows_of_validation_are_reported_too_and_strangers_are_not(run: RunDirectory, tmp_path: Path) -> None:
    ids = set(read_predictions(run.predictions("val")).ids)
    rows = [row for row in rows_of(Path(run.config["data"]["path"])) if row["id"] in ids]
    overlap = metrics_of(evaluated(run, f"data.path={write_rows(tmp_path / 'val.csv', rows)}"))["overlap"]
    assert overlap["val"]["exact"] == len(ids)
    path = write_corpus(tmp_path / "more.csv", rows=30, seed=9)
    assert metrics_of(evaluated(run, f"data.path={path}"))["overlap"] == {}


def test_the_test_rows_in_a_file_are_the_test_split(run: RunDirectory, tmp_path: Path) -> None:
    rows = {row["id"]: row for row in rows_of(Path(run.config["data"]["path"]))}
    ids = read_predictions(run.predictions("test")).ids
    path = write_rows(tmp_path / "hidden.csv", [rows[name] for name in ids])
    folder = evaluated(run, f"data.path={path}")
    mark = json.loads(run.environment.read_text())["data"]["test"]["fingerprint"]
    assert metrics_of(folder)["data"]["fingerprint"] == mark
    assert ledger_of(run.config).evaluations(mark).times == 1
    assert metrics_of(folder)[folder.name] == read_metrics(run)["test"]


def test_test_rows_among_others_are_a_look_at_the_test_split(
    run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = json.loads(run.environment.read_text())["data"]["test"]["fingerprint"]
    before = ledger_of(run.config).evaluations(mark).times
    folder = evaluated(run, f"data.path={run.config['data']['path']}")
    assert metrics_of(folder)["data"]["fingerprint"] != mark
    assert ledger_of(run.config).evaluations(mark).times == before + 1
    said = " ".join(capsys.readouterr().out.split())
    assert "these rows have been looked at once" in said
    assert "the run's test split has been looked at" in said


def test_what_a_file_lacks_is_noted_or_refused(
    run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows_of(write_corpus(tmp_path / "more.csv", rows=20, seed=9, missing=0))
    refused(run, "does not exist", f"data.path={tmp_path / 'mor.csv'}")
    path = write_rows(tmp_path / "wrong.csv", [{**row, "tone": "yess"} for row in rows])
    refused(run, "'yess'.*did you mean 'yes'", f"data.path={path}")
    path = write_rows(tmp_path / "no_text.csv", [{"words": row["text"], "tone": row["tone"]} for row in rows])
    refused(run, "no column 'text'", f"data.path={path}")
    path = write_rows(tmp_path / "no_labels.csv", [{"text": row["text"]} for row in rows])
    told_once = refused(run, "no column of labels.*polarity.predict", f"data.path={path}")
    assert len(told_once.problems) == 1
    (tmp_path / "headless.csv").write_text("words,1\nothers,2\n", encoding="utf-8")
    refused(run, "no column of labels.*give data.header=false", f"data.path={tmp_path / 'headless.csv'}")
    refused(run, "no such task", f"data.path={path}", "data.tasks={tune: text}")
    capsys.readouterr()
    path = write_rows(tmp_path / "one.csv", [{"text": row["text"], "topic": row["topic"]} for row in rows])
    folder = evaluated(run, f"data.path={path}")
    said = capsys.readouterr().out
    assert "has no column 'tone', so tone is not scored" in said
    assert "ids are made from the texts" in said
    assert metrics_of(folder)[folder.name]["tasks"]["tone"]["macro_f1"] is None


def test_without_the_runs_data_new_rows_are_scored_but_not_called_checked(
    run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (run.path / "config.yaml").read_text(encoding="utf-8")
    (run.path / "config.yaml").write_text(text.replace("corpus.csv", "moved.csv"))
    refused(run, "moved.csv does not exist")
    path = write_corpus(tmp_path / "more.csv", rows=20, seed=9)
    folder = evaluated(run, f"data.path={path}")
    assert "NOT CHECKED: whether these rows overlap" in capsys.readouterr().out
    assert metrics_of(folder)["overlap"] is None


# What is foreign, missing or damaged


@pytest.mark.parametrize("overrides", [(), ("data.path=FILE",)], ids=["own split", "new rows"])
def test_the_model_of_another_run_is_refused(
    run: RunDirectory, other: RunDirectory, tmp_path: Path, overrides: tuple[str, ...]
) -> None:
    shutil.rmtree(run.model)
    shutil.copytree(other.model, run.model)
    path = write_corpus(tmp_path / "more.csv", rows=20, seed=9)
    refused(run, "model.safetensors: was changed after the run wrote it")
    seal(run)
    refused(
        run,
        "model: does not reproduce val.parquet|another run",
        *(text.replace("FILE", str(path)) for text in overrides),
    )


def test_the_weights_of_another_run_are_refused(run: RunDirectory, other: RunDirectory) -> None:
    shutil.copy(other.model / "model.safetensors", run.model)
    seal(run)
    refused(run, "model.safetensors: is not the file that was saved")


def test_the_rule_of_another_run_is_refused(run: RunDirectory, other: RunDirectory) -> None:
    shutil.copy(other.model / "decision.json", run.model)
    seal(run)
    refused(run, "decision.json: was fitted for other weights")


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("rule", {"kind": "bias", "bias": [50.0, -50.0]}),
        ("calibration", {"scale": [7.5, 7.5], "shift": [0.0, 0.0]}),  # other probabilities, the same decisions
    ],
)
def test_a_rule_that_was_edited_is_refused(run: RunDirectory, part: str, content: dict[str, Any]) -> None:
    path = run.model / "decision.json"
    stored = json.loads(path.read_text())
    stored["tasks"]["topic"][part] = content
    write_json(path, stored)
    refused(run, "decision.json: was changed after the run wrote it")
    seal(run)
    refused(run, "decision.json: decides .* rows of topic otherwise than the run's predictions say")


@pytest.mark.parametrize("name", ["model.safetensors", "polarity.json", "decision.json", "config.json"])
def test_missing_parts_of_the_model_are_refused(run: RunDirectory, name: str) -> None:
    (run.model / name).unlink()
    refused(run, f"{name}: there is no such file, but the run wrote one")
    seal(run)
    refused(run, f"{name}: there is no such file")


def test_weights_that_are_cut_off_are_refused(run: RunDirectory) -> None:
    path = run.model / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    seal(run)
    refused(run, "model.safetensors: is damaged or cut off")


def test_predictions_that_are_cut_off_or_edited_are_refused(run: RunDirectory) -> None:
    path = run.predictions("val")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    seal(run)
    refused(run, "val.parquet: is damaged or cut off")
    path.write_bytes(content)
    predictions = read_predictions(path)
    labels = predictions.tasks[0].labels.copy()
    labels[0] = (labels[0] + 1) % 2
    write_predictions(
        path, replace(predictions, tasks=(replace(predictions.tasks[0], labels=labels), *predictions.tasks[1:]))
    )
    refused(run, "val.parquet: was changed after the run wrote it")
    seal(run)
    refused(run, "val.parquet: was changed after the run wrote it")
    path.unlink()
    refused(run, "val.parquet: there is no such file")


def test_predictions_of_other_rows_are_refused_although_their_checksum_is_right(run: RunDirectory) -> None:
    from polarity.runs.saved import CHECKSUMS, checksum

    path = run.predictions("val")
    table = pq.read_table(path)
    for changed, message in (
        (table.slice(1), "has no row"),
        (table.set_column(0, "id", [[f"new {n}" for n in range(len(table))]]), "has no row"),
    ):
        pq.write_table(changed, path)
        metrics = read_metrics(run)
        metrics[CHECKSUMS]["predictions/val.parquet"] = checksum(path)
        write_json(run.metrics, metrics)
        seal(run)
        refused(run, message)


def test_data_that_changed_are_refused(run: RunDirectory, tmp_path: Path) -> None:
    rows = rows_of(Path(run.config["data"]["path"]))
    rows[0]["text"] += " changed"
    path = write_rows(tmp_path / "changed.csv", rows)
    text = (run.path / "config.yaml").read_text(encoding="utf-8")
    (run.path / "config.yaml").write_text(text.replace(str(run.config["data"]["path"]), str(path)))
    refused(run, "is not the one that the run was trained with")


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({"state": "failed", "error": "it burnt"}, "failed.*it burnt"),
        (
            {"state": "failed", "error": "SIGTERM", "interrupted": True},
            r"was stopped.*SIGTERM.*go on with it: .*resume=",
        ),
        ({"state": "running"}, "cut off"),
    ],
)
def test_unfinished_runs_are_refused(run: RunDirectory, status: dict[str, str], message: str) -> None:
    write_json(run.path / "status.json", status)
    refused(run, message)


def test_a_run_that_goes_on_is_refused(run: RunDirectory) -> None:
    from polarity.processes import this_process

    write_json(run.path / "status.json", {"state": "running", **this_process()})
    run.lock.take()
    refused(run, "still going on")
    run.lock.release()


def test_damaged_descriptions_are_refused(run: RunDirectory) -> None:
    content = run.environment.read_bytes()
    run.environment.write_text("{")
    refused(run, "environment.json: is damaged")
    run.environment.unlink()
    refused(run, "environment.json: there is no such file")
    run.environment.write_bytes(content)
    run.metrics.write_text("[]")
    refused(run, "metrics.json: was changed after the run wrote it")
    seal(run)
    refused(run, "metrics.json: is damaged")


def test_a_split_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    run = train(tmp_path, *SHORT, "data.split.test=0")
    refused(run, "have no test split", "split=test")


# The command line


def test_two_sources_of_rows_are_refused(run: RunDirectory) -> None:
    refused(run, "split: has no effect with data.path", "split=val", "data.path=x.csv")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.text=words", "data.text: has no effect without data.path"),
        ("data.pth=x.csv", "did you mean 'path'"),
        ("split=train", "valid: val, test"),
        ("batch_size=0", "batch_size: must be"),
        ("resamples=3", "resamples: must be"),
        ("accelerator=tpu", "accelerator: 'tpu' is not valid"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(override: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_settings("evaluate", ["run=x", override])


def test_what_belongs_to_the_run_is_refused_by_name() -> None:
    with pytest.raises(UserError) as refused:
        read_evaluate_settings(
            ["run=x", "loss.gamma=3", "model=mbert", "+seed=3", "data=csv", "data.path=x", "split=vall"]
        )
    problems = refused.value.problems
    assert [text.split(":")[0] for text in problems] == ["loss.gamma=3", "model=mbert", "+seed=3", "data=csv", "split"]
    assert "loss cannot be chosen here; model and settings are those of the run" in problems[0]


@pytest.mark.slow
def test_the_command(run: RunDirectory, tmp_path: Path) -> None:
    said = command("evaluate", f"run={run.path}", "split=test", folder=tmp_path, real=True)
    assert "the run's own predictions are reproduced" in said
    assert "looked at once by 1 configuration" in said
    said = command("evaluate", f"run={run.path}", "loss.gamma=2", "seed=3", folder=tmp_path, code=2, real=True)
    assert "polarity.evaluate: 2 problems" in said
    assert "Traceback" not in said


def test_single_texts_are_not_evaluated_as_pairs(run: RunDirectory, tmp_path: Path) -> None:
    """Otherwise no row would be known from training."""
    path = write_corpus(tmp_path / "new.csv")
    with pytest.raises(UserError, match=r"data\.context: the run was trained on single texts; leave it out"):
        evaluated(run, f"data.path={path}", "data.context=source")
