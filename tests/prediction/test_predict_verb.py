"""``polarity.predict`` says about any file exactly what the run's own predictions say about its splits."""

import csv
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from polarity.config.verb import read_settings
from polarity.errors import UserError
from polarity.evaluation.predictions import Predictions, read_predictions
from polarity.prediction.job import Outcome
from polarity.run import RunDirectory
from polarity.verbs.predict import predict
from tests.command import PATIENCE, start
from tests.prediction.jobs import read, write


def do(run: RunDirectory, source: Path | str, output: Path | str, *more: str) -> Outcome:
    arguments = [f"run={run.path}", f"input={source}", f"output={output}", "accelerator=cpu", *more]
    settings = read_settings("predict", arguments)
    assert settings is not None
    return predict(settings)


def corpus(run: RunDirectory) -> Path:
    return Path(run.config["data"]["path"])


def assert_same(rows: list[dict[str, str]], stored: Predictions) -> None:
    """Labels equal, probabilities to 1e-6."""
    by_id = {row["id"]: row for row in rows}
    for item in stored.tasks:
        name, classes = item.task.name, item.task.classes
        assert [by_id[key][f"{name}.pred"] for key in stored.ids] == [classes[c] for c in item.predicted]
        collected = [[float(by_id[key][f"{name}.prob.{label}"]) for label in classes] for key in stored.ids]
        assert item.probabilities is not None
        assert np.abs(np.array(collected) - item.probabilities).max() < 1e-6


@pytest.mark.parametrize("split", ["val", pytest.param("test", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("ending", "more"),
    [
        ("csv", ()),
        ("jsonl", ("chunk_rows=7",)),
        ("parquet", ("batch_size=5",)),
        ("tsv", ("batch_size=1", "chunk_rows=1000")),
    ],
)
def test_numbers_are_those_of_the_run(
    run: RunDirectory, split: str, ending: str, more: tuple[str, ...], tmp_path: Path
) -> None:
    outcome = do(run, corpus(run), tmp_path / f"out.{ending}", *more)
    assert (outcome.rows, outcome.broken) == (240, 0)
    assert outcome.rows_per_second > 0
    assert_same(read(tmp_path / f"out.{ending}"), read_predictions(run.predictions(split)))


def test_all_columns_are_kept_and_nothing_but_columns_is_added(run: RunDirectory, tmp_path: Path) -> None:
    do(run, corpus(run), tmp_path / "out.csv")
    given, rows = read(corpus(run)), read(tmp_path / "out.csv")
    assert [{name: row[name] for name in given[0]} for row in rows] == given


@pytest.mark.slow
def test_pairs_are_read_as_in_training(pairs: RunDirectory, tmp_path: Path) -> None:
    do(pairs, corpus(pairs), tmp_path / "out.csv")
    assert_same(read(tmp_path / "out.csv"), read_predictions(pairs.predictions("test")))
    rows = [{**row, "title": row["source"]} for row in read(corpus(pairs))]
    for row in rows:
        del row["source"]
    source = write(tmp_path / "in.csv", rows)
    with pytest.raises(UserError, match=r"context: .+ has no column 'source'"):
        do(pairs, source, tmp_path / "out.jsonl")
    do(pairs, source, tmp_path / "out.jsonl", "context=title")
    assert_same(read(tmp_path / "out.jsonl"), read_predictions(pairs.predictions("val")))


def test_a_context_for_a_run_without_one_is_refused(run: RunDirectory, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="context: the run was trained on single texts"):
        do(run, corpus(run), tmp_path / "out.csv", "context=source")


def test_a_context_that_leaves_no_room_is_cut_as_in_training(pairs: RunDirectory, tmp_path: Path) -> None:
    rows = [{"id": str(n), "text": "good", "source": "the " * (200 if n == 3 else 1)} for n in range(6)]
    source = write(tmp_path / "in.csv", rows)
    assert do(pairs, source, tmp_path / "out.csv").broken == 0
    share = int(32 * pairs.config["batching"]["max_context"])
    rows[3]["source"] = ("the " * share).strip()
    do(pairs, write(tmp_path / "cut.csv", rows), tmp_path / "as_cut.csv")
    long, short = read(tmp_path / "out.csv")[3], read(tmp_path / "as_cut.csv")[3]
    assert long["tone.prob.yes"] == short["tone.prob.yes"]


def test_texts_that_the_run_cannot_read_are_reported(
    run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write(tmp_path / "in.csv", [{"id": "1", "text": "ሰላም ለሁሉም ሰው"}, {"id": "2", "text": "good"}])
    do(run, source, tmp_path / "out.csv")
    assert "note: 75% of the tokens are unknown to the run's tokenizer" in capsys.readouterr().err
    do(run, corpus(run), tmp_path / "all.csv")
    assert "unknown" not in capsys.readouterr().err


def test_a_text_alone_gets_the_numbers_that_it_gets_in_company(run: RunDirectory, tmp_path: Path) -> None:
    rows = read(corpus(run))
    do(run, corpus(run), tmp_path / "all.jsonl")
    do(run, write(tmp_path / "one.csv", rows[5:6]), tmp_path / "one.jsonl")
    (alone,), together = read(tmp_path / "one.jsonl"), read(tmp_path / "all.jsonl")[5]
    assert alone["tone.prob.yes"] == pytest.approx(together["tone.prob.yes"], abs=1e-6)


def test_plain_argmax_can_be_asked_for(run: RunDirectory, tmp_path: Path) -> None:
    do(run, corpus(run), tmp_path / "out.csv", "decision=argmax")
    stored = read_predictions(run.predictions("test"))
    by_id = {row["id"]: row for row in read(tmp_path / "out.csv")}
    for item in stored.tasks:
        wanted = [item.task.classes[label] for label in item.argmax]
        assert [by_id[key][f"{item.task.name}.pred"] for key in stored.ids] == wanted


def test_broken_rows_change_no_other_row(run: RunDirectory, tmp_path: Path) -> None:
    rows = read(corpus(run))[:20]
    do(run, write(tmp_path / "good.csv", rows), tmp_path / "good.jsonl")
    rows[3:3] = [{**rows[0], "text": ""}]
    outcome = do(run, write(tmp_path / "bad.csv", rows), tmp_path / "bad.jsonl", "on_error=keep", "error_column=fault")
    assert outcome.broken == 1
    result = read(tmp_path / "bad.jsonl")
    assert result.pop(3)["fault"] == "row 4 (line 5): column 'text' is empty"
    good = read(tmp_path / "good.jsonl")
    assert [row["tone.pred"] for row in result] == [row["tone.pred"] for row in good]
    assert [row["tone.prob.yes"] for row in result] == pytest.approx([row["tone.prob.yes"] for row in good], abs=1e-6)


def test_everything_that_is_wrong_is_reported_at_once(run: RunDirectory, tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        do(run, tmp_path / "corpus.csv", tmp_path / "no" / "out.docx", "delimiter=abc")
    problems = "\n".join(refused.value.problems)
    assert "corpus.csv does not exist" in problems
    assert "there is no folder" in problems
    assert "output: out.docx: the extension '.docx' does not tell a format" in problems
    with pytest.raises(UserError) as refused:
        do(run, "-", "-", "delimiter=tab")
    assert "input_format: has to be given for input=-" in str(refused.value)
    with pytest.raises(UserError) as refused:
        read_settings("predict", ["run=x", "input=-", "output=-", "on_error=skip", "abstain_below=2"])
    assert len(refused.value.problems) == 2


def test_settings_that_the_format_ignores_are_refused(run: RunDirectory, tmp_path: Path) -> None:
    source = write(tmp_path / "in.parquet", [{"text": "a"}])
    with pytest.raises(UserError) as refused:
        do(run, source, tmp_path / "out.csv", "delimiter=tab", "encoding=cp1252")
    assert [problem.split(":")[0] for problem in refused.value.problems] == ["encoding", "delimiter"]


@pytest.mark.parametrize("missing", ["model/decision.json", "model/model.safetensors", "model/polarity.json"])
def test_a_run_that_is_not_whole_predicts_nothing(run: RunDirectory, missing: str, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    (copy / missing).unlink()
    with pytest.raises(UserError, match=Path(missing).name):
        do(RunDirectory.open(copy), corpus(run), tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_a_run_that_failed_predicts_nothing(run: RunDirectory, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    RunDirectory.open(copy).set_status("failed", error="out of memory")
    with pytest.raises(UserError, match="the run failed"):
        do(RunDirectory.open(copy), corpus(run), tmp_path / "out.csv")


def test_as_a_process_between_two_pipes(run: RunDirectory, tmp_path: Path) -> None:
    lines = [json.dumps({"text": row["text"], "id": row["id"]}) for row in read(corpus(run))]
    words = (f"run={run.path}", "input=-", "input_format=jsonl", "output=-", "output_format=csv", "top_k=1")
    pipes = dict.fromkeys(("stdin", "stderr"), subprocess.PIPE)
    process = start("predict", *words, "accelerator=cpu", folder=tmp_path, **pipes)
    said, errors = process.communicate("\n".join(lines), timeout=PATIENCE)
    assert process.returncode == 0, errors
    rows = list(csv.DictReader(said.splitlines()))
    assert_same(rows, read_predictions(run.predictions("test")))
    assert "240 rows in" in errors
    assert "rows/s" in errors
    assert "written to standard output" in errors


def test_a_problem_ends_the_process_with_2_and_no_traceback(run: RunDirectory, tmp_path: Path) -> None:
    arguments = (f"run={run.path}", "input=none.csv", "output=out.csv")
    process = start("predict", *arguments, folder=tmp_path, stderr=subprocess.PIPE)
    said, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "input: none.csv does not exist" in errors
    assert "Traceback" not in errors
    assert said == ""
