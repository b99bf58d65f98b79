"""Of a repeated cross-validation every score is the mean of its repeats, and what is of the first says so."""

import csv
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from polarity.analysis import analyse
from polarity.analysis.details import write_details
from polarity.analysis.folded import respecting_folds
from polarity.analysis.result import Analysis, Result
from polarity.evaluation.out_of_fold import HeldOut
from polarity.evaluation.predictions import Predictions, TaskPredictions
from polarity.tasks import IGNORE_INDEX, Task

TASK = Task("tone", ("no", "yes", "both"), "tone")
FOLDS, ROWS = 3, 90
LABELS = np.random.default_rng(0).choice([0, 1, 2, IGNORE_INDEX], ROWS, p=[0.5, 0.3, 0.1, 0.1])


def decided(repeat: int) -> np.ndarray:
    """Wrong about more rows in each repeat."""
    draw = np.random.default_rng(repeat)
    return np.where(draw.random(ROWS) < 0.2 * repeat, draw.integers(0, 3, ROWS), np.maximum(LABELS, 0))


def of_rows(repeat: int, rows: np.ndarray) -> Predictions:
    return Predictions(
        [f"row-{row}" for row in rows],
        (TaskPredictions(TASK, LABELS[rows], decided(repeat)[rows]),),
        {"source": [("a", "b")[row % 2] for row in rows]},
    )


def folded(repeats: int, resamples: int = 100) -> Analysis:
    folds = [
        HeldOut(FOLDS * (repeat - 1) + fold + 1, repeat, of_rows(repeat, np.arange(fold, ROWS, FOLDS)))
        for repeat in range(1, repeats + 1)
        for fold in range(FOLDS)
    ]
    return respecting_folds(analyse(of_rows(1, np.arange(ROWS)), resamples=resamples), folds)


def by_hand(repeat: int) -> dict[tuple[str, ...], float]:
    """Every score, from labels and decisions as they are."""
    found, known = {}, LABELS >= 0
    wrong = decided(repeat)[known] != LABELS[known]
    found["accuracy",] = 1 - float(wrong.mean())
    for c, name in enumerate(TASK.classes):
        is_, said = LABELS[known] == c, decided(repeat)[known] == c
        hits = float((is_ & said).sum())
        found["predicted", name] = float(said.sum())
        found["precision", name], found["recall", name] = hits / said.sum(), hits / is_.sum()
        found["f1", name] = 2 * hits / (said.sum() + is_.sum())
    found["macro_f1",] = float(np.mean([found["f1", name] for name in TASK.classes]))
    return found


def scores_of(result: Result) -> dict[tuple[str, ...], float]:
    (task,) = result.tasks
    found: dict[tuple[str, ...], float | None] = {
        ("accuracy",): task.accuracy.value,
        ("macro_f1",): task.macro_f1.value,
        **{("predicted", one.name): one.predicted for one in task.classes},
    }
    for name in ("precision", "recall", "f1"):
        found |= {(name, one.name): getattr(one, name).value for one in task.classes}
    return {key: value for key, value in found.items() if value is not None}


@pytest.mark.parametrize("repeats", [1, 3])
def test_what_stands_beside_the_confusion_of_the_first_repeat_is_of_the_first(repeats: int) -> None:
    (task,) = folded(repeats).decided.tasks
    first = by_hand(1)
    for one in task.confused:
        for name in ("precision", "recall", "f1"):
            assert getattr(one, name).value == pytest.approx(first[name, one.name])
        assert one.predicted == first["predicted", one.name]


@pytest.mark.parametrize("resamples", [0, 100])
@pytest.mark.parametrize("repeats", [1, 3])
def test_all_scores_are_means_over_the_repeats(repeats: int, resamples: int) -> None:
    analysis, wanted = folded(repeats, resamples), defaultdict[tuple[str, ...], list[float]](list)
    for repeat in range(1, repeats + 1):
        for key, value in by_hand(repeat).items():
            wanted[key].append(value)
    assert scores_of(analysis.decided) == pytest.approx({key: np.mean(values) for key, values in wanted.items()})
    assert analysis.decided.overall.value == analysis.decided.task("tone").macro_f1.value
    said = [note for note in analysis.notes if "means over" in note]
    assert len(said) == (repeats > 1)
    for one in analysis.decided.task("tone").classes:
        for score in (one.precision, one.recall, one.f1):
            assert (score.low is None, score.high is None) == (not resamples, not resamples)
            if score.low is not None:
                assert score.low < score.value < score.high  # type: ignore[operator]


def test_the_files_say_what_is_of_the_first_repeat(tmp_path: Path) -> None:
    analysis = folded(2)
    write_details(tmp_path, "mini", {"out_of_fold": analysis})
    named = defaultdict[str, set[str]](set)
    for path in tmp_path.iterdir():
        with path.open(encoding="utf-8", newline="") as file:
            named[path.name] = {line["split"] for line in csv.DictReader(file)}
    means, first = {"out_of_fold"}, {"out_of_fold (repeat 1)"}
    assert named == {
        "scores.csv": means,
        "mini_tone_per_class.csv": means,
        "mini_tone_confusion.csv": first,
        "slices.csv": first,
        "calibration.csv": set(),
    }
    write_details(tmp_path, "mini", {"out_of_fold": replace(analysis, repeats=1)})
    assert "repeat" not in (tmp_path / "mini_tone_confusion.csv").read_text(encoding="utf-8")
