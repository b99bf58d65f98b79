"""What the README promises of a finished run's numbers, one test for each promise, named like it.

The other half of the promises, about training, stands in tests/test_guarantees.py.
"""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import polarity
from polarity.config.preflight import prepare
from polarity.errors import UserError
from polarity.evaluation.metrics import score
from polarity.evaluation.predictions import read_predictions
from polarity.posthoc import Decider
from polarity.run import RunDirectory
from polarity.runs.ledger import ledger_of
from polarity.runs.saved import saved_predictions
from polarity.training.run import start_run
from tests import trials
from tests.comparison.made import a_run, noisy, some_labels
from tests.readings import holding
from tests.running import composed, train
from tests.verbs import said_by

OFTEN = ("trainer.log_every_n_steps=1",)  # so few batches would not be logged otherwise


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run from the first row read to the last number written."""
    return train(tmp_path_factory.mktemp("run"), *OFTEN, rows=200)


def copy(run: RunDirectory, folder: Path) -> RunDirectory:
    shutil.copytree(run.path, folder / run.path.name)
    return RunDirectory.open(folder / run.path.name)


def test_a_predictions_file_that_was_changed_later_is_refused(finished: RunDirectory, tmp_path: Path) -> None:
    run = copy(finished, tmp_path)
    table = pq.read_table(run.predictions("val"))
    guesses = table["tone.pred"].to_pylist()
    guesses[0] = "yes" if guesses[0] != "yes" else "no"
    column = table.column_names.index("tone.pred")
    pq.write_table(table.set_column(column, "tone.pred", pa.array(guesses)), run.predictions("val"))
    with pytest.raises(UserError, match="was changed after the run wrote it"):
        saved_predictions(run, "val")
    for verb, arguments in (("compare", [str(run.path), str(finished.path)]), ("report", [f"run={run.path}"])):
        assert "was changed after the run wrote it" in said_by(verb, *arguments, code=2)


def test_runs_that_differ_only_by_their_seed_are_one_configuration(tmp_path: Path) -> None:
    labels = some_labels()
    right = {0: 0.6, 1: 0.7}  # so far apart that two configurations would be told apart
    runs = [a_run(tmp_path / f"run-{n}", labels, noisy(labels, share, n), seed=n) for n, share in right.items()]
    said = said_by("compare", *(str(run) for run in runs))
    assert "better" not in said
    assert "there is one configuration only, so there is no pair to compare" in said


def test_without_evidence_no_run_is_called_better(tmp_path: Path) -> None:
    labels = some_labels()
    similar = [a_run(tmp_path / f"run-{n}", labels, noisy(labels, 0.7, n), gamma=float(n)) for n in (1, 2)]
    assert "no evidence of a difference" in said_by("compare", *(str(run) for run in similar))
    worse = a_run(tmp_path / "run-3", labels, noisy(labels, 0.3, 3), gamma=3.0)
    assert "is better than" in said_by("compare", str(similar[0]), str(worse))


def test_every_look_at_a_test_split_is_counted(finished: RunDirectory) -> None:
    splits = prepare(finished.config).splits
    assert splits.test is not None
    ledger, mark = ledger_of(finished.config), splits.test.fingerprint()
    before = ledger.evaluations(mark)
    assert [look.verb for look in before.entries] == ["train"]
    said = said_by("evaluate", f"run={finished.path}", "split=test", "accelerator=cpu")
    assert ledger.evaluations(mark).times == 2
    assert "this test split has been looked at 2 times by 1 configuration" in said
    said_by("evaluate", f"run={finished.path}", "split=val", "accelerator=cpu")
    assert ledger.evaluations(mark).times == 2


def test_nothing_is_ranked_by_test_scores_unless_asked_for_by_name(tmp_path: Path) -> None:
    labels = some_labels()
    runs = [
        str(a_run(tmp_path / f"run-{n}", labels, noisy(labels, n / 4, n), split="test", gamma=float(n))) for n in (1, 3)
    ]
    assert "not ranked" in said_by("compare", *runs, "split=test")
    for order in (runs, runs[::-1]):  # of which one begins with the worse run
        (compared,) = polarity.compare(order, split="test")
        assert [Path(group.members[0]).name for group in compared.groups] == [Path(one).name for one in order]
    asked = said_by("compare", *runs, "split=test", "select=test", f"output={tmp_path / 'out'}")
    assert "ranked by TEST scores" in asked
    for name in ("comparison.json", "comparison.html"):
        assert "ranked by TEST scores" in (tmp_path / "out" / name).read_text(encoding="utf-8")


def test_a_decision_rule_is_used_only_with_its_own_weights(finished: RunDirectory, tmp_path: Path) -> None:
    other = train(tmp_path, *OFTEN, "seed=7", "trainer.max_epochs=1", rows=200)
    run = copy(finished, tmp_path)
    shutil.copy(other.model / "decision.json", run.model / "decision.json")
    with pytest.raises(UserError, match="was fitted for other weights"):
        Decider.load(run.model)
    (run.model / "decision.json").unlink()
    assert "decision.json: there is no such file" in said_by("evaluate", f"run={run.path}", "accelerator=cpu", code=2)


def test_scores_with_and_without_the_decision_rule_are_always_there(finished: RunDirectory) -> None:
    metrics = json.loads(finished.metrics.read_text(encoding="utf-8"))
    for split in ("val", "test"):
        predictions = read_predictions(finished.predictions(split))
        tasks = [item.task for item in predictions.tasks]
        for section, decided in (
            (metrics, [item.predicted for item in predictions.tasks]),
            (metrics["uncalibrated"], [item.argmax for item in predictions.tasks]),
        ):
            assert section[split]["overall"] == pytest.approx(score(tasks, predictions.labels, decided).overall)
    log = finished.log.read_text(encoding="utf-8")
    assert log.count("uncalibrated (argmax of the raw logits)") == log.count("decided (the stored decision rule)") == 2


def test_predict_gives_the_numbers_of_the_run(finished: RunDirectory, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    said_by("predict", f"run={finished.path}", f"input={finished.config['data']['path']}", f"output={output}")
    with output.open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    predictions = read_predictions(finished.predictions("test"))
    for item in predictions.tasks:
        task = item.task
        guessed = [rows[name][f"{task.name}.pred"] for name in predictions.ids]
        assert guessed == [task.classes[index] for index in item.predicted]
        chances = [
            [float(rows[name][f"{task.name}.prob.{label}"]) for label in task.classes] for name in predictions.ids
        ]
        np.testing.assert_allclose(chances, item.probabilities, atol=1e-6)


def test_private_texts_stand_in_no_file_of_a_run(tmp_path: Path) -> None:
    leaked = [*trials.leaked(tmp_path, nearly=True), "data.leakage.near=allow", "trainer.max_epochs=1", *OFTEN]
    texts = [text for _, rows in prepare(composed(*leaked)).splits.items() for text in rows.text]
    assert len({text for text in texts if all(sign in text for sign in 'é"<&\n')}) > 50
    collected = {}
    for reporting in ("default", "private"):
        config = composed(*leaked, f"reporting={reporting}", f"output_dir={tmp_path / reporting}")
        start_run(config, leaked, keep_going=False)
        run = RunDirectory.open(tmp_path / reporting / "latest")
        said_by("evaluate", f"run={run.path}", "split=test", "accelerator=cpu")
        said_by("report", f"run={run.path}")
        collected[reporting] = holding(run.path, texts)
    assert {"mistakes.csv", "report.html", "train.log"} <= collected["default"], (
        "else this would look for the wrong thing"
    )
    assert collected["private"] == set()
