"""The epoch is chosen on the validation rows: every run keeps what it needs to say by how much that flatters."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from polarity.evaluation.predictions import Predictions, TaskPredictions, read_predictions
from polarity.run import RunDirectory
from polarity.statistics.score_intervals import intervals
from polarity.tasks import Task
from polarity.training.chosen_epoch import OTHERS_GONE, chosen_epoch
from tests.running import train

TASK = Task("tone", ("bad", "flat", "good"), "tone")


def epochs(folder: Path, *, count: int, rows: int = 800, better: int | None = None) -> tuple[RunDirectory, Predictions]:
    """A run of equally good epochs, or with one that is far better; its best one's predictions."""
    generator = np.random.default_rng(0)
    labels = generator.choice(3, size=(rows, 1), p=[0.6, 0.3, 0.1])
    run = RunDirectory(folder)
    run.epochs.mkdir(parents=True)
    (run.path / "config.yaml").write_text("{}\n", encoding="utf-8")
    scores, decided = [], []
    for number in range(count):
        right = 0.9 if number == better else 0.6
        own = np.where(generator.random((rows, 1)) < right, labels, generator.integers(0, 3, (rows, 1)))
        np.save(run.epochs / f"{number:09d}.npy", own.astype(np.uint16))
        decided.append(own[:, 0])
        scores.append(float((own == labels).mean()))
    best = decided[int(np.argmax(scores))]
    task_predictions = TaskPredictions(TASK, labels[:, 0], best, np.eye(3, dtype=np.float32)[best], np.eye(3)[best])
    return run, Predictions([str(n) for n in range(rows)], (task_predictions,), {})


def test_the_best_of_equal_epochs_is_corrected(tmp_path: Path) -> None:
    run, predictions = epochs(tmp_path, count=10)
    choice = chosen_epoch(run, predictions, {"monitor": "val/macro_f1"})
    assert choice["epochs"] == 10
    assert 0.005 < choice["optimism"] < 0.05
    assert choice["low"] < choice["corrected"] < choice["overall"]
    assert choice["sentence"].startswith("the epoch is the best of 10, chosen on the validation rows: ")
    assert "(it was val/loss that chose)" in chosen_epoch(run, predictions, {"monitor": "val/loss"})["sentence"]


@pytest.mark.parametrize("groups", [1, 2])
def test_of_one_group_nothing_is_said_of_how_much_the_choice_adds(groups: int, tmp_path: Path) -> None:
    run, predictions = epochs(tmp_path, count=10)
    rows = [str(number % groups) for number in range(len(predictions))]
    choice = chosen_epoch(run, replace(predictions, metadata={"post": rows}, group="post"), {"monitor": "val/macro_f1"})
    assert choice["epochs"] == 10
    assert (choice["corrected"] is None) == (choice["optimism"] is None) == (groups == 1)
    assert ("cannot say by how much" in choice["sentence"]) == (groups == 1)


def test_of_one_group_epochs_with_the_same_score_are_not_said_to_flatter(tmp_path: Path) -> None:
    run, predictions = epochs(tmp_path, count=1)
    (only,) = run.epochs.glob("*.npy")
    shutil.copy(only, run.epochs / "000000001.npy")
    grouped = replace(predictions, metadata={"post": ["one"] * len(predictions)}, group="post")
    sentence = chosen_epoch(run, grouped, {"monitor": "val/macro_f1"})["sentence"]
    assert "cannot say whether it is too high for that reason" in sentence
    assert "so their score is too high" not in sentence


def test_the_interval_is_the_ordinary_one_moved_also_where_a_class_is_never_hit(tmp_path: Path) -> None:
    run, predictions = epochs(tmp_path, count=3)
    (item,) = predictions.tasks
    never = np.where(item.predicted == 1, 0, item.predicted)
    predictions = replace(predictions, tasks=(replace(item, predicted=never, crossfit=never),))
    choice = chosen_epoch(run, predictions, {"monitor": "val/macro_f1"})
    ordinary = intervals(predictions, [never]).overall
    assert ordinary is not None
    assert choice["high"] == pytest.approx(ordinary.high - choice["optimism"], abs=0.01)
    assert choice["low"] == pytest.approx(ordinary.low - choice["optimism"], abs=0.01)


@pytest.mark.parametrize("written", ["{}/origin", "~/origin"])
@pytest.mark.parametrize(
    ("setting", "what"), [("from: {}", "with which it began,"), ("regularizer: {{teacher: {}}}", "its teacher, {},")]
)
def test_what_was_chosen_before_by_the_same_rows_is_told(
    setting: str, what: str, written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    place = written.format(tmp_path)
    run, predictions = epochs(tmp_path / "run", count=3)

    def said(fingerprint: str | None) -> str:
        (tmp_path / "origin").mkdir(exist_ok=True)
        for folder, mark in (("run", "f00"), ("origin", fingerprint)):
            about = {"data": {"val": {"fingerprint": mark}} if mark else {}}
            (tmp_path / folder / "environment.json").write_text(json.dumps(about), encoding="utf-8")
        (run.path / "config.yaml").write_text(setting.format(place) + "\n", encoding="utf-8")
        return str(chosen_epoch(run, predictions, {"monitor": "val/macro_f1"})["sentence"])

    told = f"{what.format(place)} may have been chosen on these rows, too, which is not counted"
    assert said("f00").endswith(told)
    assert "not counted" not in said("other")
    assert "not counted" not in said(None), "a refit has no validation rows"


def test_an_epoch_that_is_far_better_loses_nothing(tmp_path: Path) -> None:
    choice = chosen_epoch(*epochs(tmp_path, count=5, better=3), {"monitor": "val/macro_f1"})
    assert choice["optimism"] < 1e-3


def test_where_epochs_are_missing_it_says_so(tmp_path: Path) -> None:
    run, predictions = epochs(tmp_path, count=3)
    run.history.write_text("epoch\n0\n1\n2\n3\n", encoding="utf-8")
    assert chosen_epoch(run, predictions, {"monitor": "val/macro_f1"})["sentence"] == OTHERS_GONE
    single, predictions = epochs(tmp_path / "single", count=1)
    assert chosen_epoch(single, predictions, {"monitor": "val/macro_f1"})["sentence"] == "", "nothing was chosen"


@pytest.mark.slow
def test_a_run_keeps_its_epochs_and_tells(tmp_path: Path) -> None:
    run = train(tmp_path, "trainer.max_epochs=3", "logger=csv")
    assert "tensorboard" not in run.log.read_text(encoding="utf-8"), "for which nothing was written"
    predictions = read_predictions(run.predictions("val"))
    kept = [np.load(path) for path in sorted(run.epochs.iterdir())]
    assert [epoch.shape for epoch in kept] == [predictions.labels.shape] * 3
    metrics = json.loads(run.metrics.read_text(encoding="utf-8"))
    best = metrics["best"]
    chosen = np.stack([item.argmax for item in predictions.tasks], axis=1)
    np.testing.assert_array_equal(kept[best["epoch"]], chosen)
    assert best["selection"]["overall"] == pytest.approx(metrics["crossfit"]["val"]["overall"])
    assert best["selection"]["corrected"] <= best["selection"]["overall"]
    said = " ".join(run.log.read_text(encoding="utf-8").split())
    assert best["selection"]["sentence"] in said
