"""Every number of an analysis, recomputed with scikit-learn, scipy and torchmetrics from the same predictions."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from scipy.special import softmax
from scipy.stats import binom
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
    precision_score,
    recall_score,
)
from torchmetrics.functional.classification import multiclass_calibration_error

from polarity.analysis import Analysis, analyse
from polarity.analysis.calibration import calibration_numbers, ece_of_calibrated
from polarity.analysis.console import decisions_table
from polarity.analysis.slices import FEWEST_ROWS, MOST_VALUES, length_parts
from polarity.evaluation.predictions import Predictions, TaskPredictions, read_predictions, write_predictions
from polarity.tasks import IGNORE_INDEX, Task

TASKS = (Task("tone", ("none", "yes", "no", "1"), "tone"), Task("topic", ("war", "food"), "topic"))
ROWS = 400


def made(*, rows: int = ROWS, seed: int = 0, missing: float = 0.2, crossfit: bool = True) -> Predictions:
    """Predictions that are often right, with a rule that is not argmax, and calibrated probabilities."""
    draw = np.random.default_rng(seed)
    items = []
    for task in TASKS:
        classes = len(task.classes)
        truth = draw.choice(classes, size=rows, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
        logits = (2.5 * np.eye(classes)[truth] + 1.5 * draw.standard_normal((rows, classes))).astype(np.float32)
        labels = np.where(draw.random(rows) < missing, IGNORE_INDEX, truth)
        bias = draw.standard_normal(classes)
        items.append(
            TaskPredictions(
                task,
                labels,
                (logits + bias).argmax(axis=1),
                logits,
                softmax(logits.astype(np.float64) / 1.7, axis=1),
                (logits + bias / 2).argmax(axis=1) if crossfit else None,
            )
        )
    metadata = {"source": draw.choice(["a", "b", ""], size=rows).tolist(), "id of": [f"{n}" for n in range(rows)]}
    ids = [f"row-{number}" for number in range(rows)]
    return Predictions(ids, tuple(items), metadata, draw.integers(3, 60, size=rows))


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    return made()


@pytest.fixture(scope="module")
def analysis(predictions: Predictions) -> Analysis:
    return analyse(predictions, resamples=200)


def decisions(item: TaskPredictions, decision: str) -> np.ndarray:
    return {"uncalibrated": item.argmax, "decided": item.predicted, "crossfit": item.honest}[decision]


@pytest.mark.parametrize("decision", ["uncalibrated", "decided", "crossfit"])
@pytest.mark.parametrize("number", range(len(TASKS)))
def test_scores_are_those_of_scikit_learn(
    predictions: Predictions, analysis: Analysis, decision: str, number: int
) -> None:
    item, (result,) = predictions.tasks[number], [r for r in analysis.results if r.decision == decision]
    task = result.task(item.task.name)
    known = item.known
    labels, decided = item.labels[known], decisions(item, decision)[known]
    every = range(len(item.task.classes))
    assert task.rows == known.sum()
    assert task.macro_f1.value == pytest.approx(f1_score(labels, decided, labels=every, average="macro"))
    assert task.accuracy.value == pytest.approx(accuracy_score(labels, decided))
    assert np.array_equal(task.confusion, confusion_matrix(labels, decided, labels=every))
    expected = precision_recall_fscore_support(labels, decided, labels=every, zero_division=0)
    for one, *numbers, support in zip(task.classes, *expected, strict=True):
        assert [one.precision.value, one.recall.value, one.f1.value] == pytest.approx(numbers)
        assert one.support == support
        assert one.predicted == (decided == item.task.classes.index(one.name)).sum()


def test_the_overall_score_is_the_mean_of_the_tasks(analysis: Analysis) -> None:
    for result in analysis.results:
        assert result.overall.value == pytest.approx(np.mean([task.macro_f1.value for task in result.tasks]))


def test_intervals_hold_their_scores_and_narrow_with_rows(analysis: Analysis) -> None:
    for result in analysis.results:
        estimates = [result.overall, *(e for task in result.tasks for e in (task.macro_f1, task.accuracy))]
        estimates += [e for task in result.tasks for one in task.classes for e in (one.precision, one.recall, one.f1)]
        for estimate in estimates:
            assert estimate.low is not None
            assert estimate.low < estimate.value < estimate.high
    many = analyse(made(rows=4 * ROWS), resamples=200).headline.overall
    few = analysis.headline.overall
    assert (many.high - many.low) < 0.8 * (few.high - few.low)


def test_the_same_rows_give_the_same_numbers(predictions: Predictions, analysis: Analysis) -> None:
    assert analyse(predictions, resamples=200) == analysis


@pytest.mark.parametrize("number", range(len(TASKS)))
@pytest.mark.parametrize("stage", ["before", "after"])
def test_calibration_is_that_of_other_libraries(
    predictions: Predictions, analysis: Analysis, stage: str, number: int
) -> None:
    item = predictions.tasks[number]
    known, numbers = item.known, getattr(analysis.calibration[number], stage)
    labels = item.labels[known]
    raw = softmax(item.logits.astype(np.float64), axis=1)
    probabilities = (raw if stage == "before" else item.probabilities)[known]
    every = range(len(item.task.classes))
    error = multiclass_calibration_error(
        torch.from_numpy(probabilities), torch.from_numpy(labels), num_classes=len(every), n_bins=15, norm="l1"
    )
    assert numbers.ece == pytest.approx(float(error), abs=1e-6)
    assert numbers.nll == pytest.approx(log_loss(labels, probabilities, labels=every))
    names = [str(c) for c in every]
    brier = brier_score_loss(labels.astype(str), probabilities, labels=names, scale_by_half=False)
    assert numbers.brier == pytest.approx(brier)
    assert sum(part.rows for part in numbers.bins) == known.sum()
    for part in numbers.bins:
        assert part.confidence is None or part.low <= part.confidence <= part.high
        inside = (probabilities.max(axis=1) >= part.low) & (probabilities.max(axis=1) < part.high)
        assert part.rows == inside.sum()
    right = sum(part.rows * part.accuracy for part in numbers.bins if part.rows)
    assert right == (probabilities.argmax(axis=1) == labels).sum()
    assert analysis.calibration[number].fitted_here


def test_certain_probabilities_fall_into_the_last_bin() -> None:
    item = made(rows=6, missing=0).tasks[1]
    certain = replace(item, logits=None, probabilities=np.eye(2)[item.labels])
    numbers = analyse(Predictions([str(n) for n in range(6)], (certain,)), resamples=0).calibration[0].after
    assert numbers.bins[-1].rows == 6
    assert (numbers.ece, numbers.brier) == (0, 0)
    assert numbers.nll == pytest.approx(0)


@pytest.mark.slow
def test_curves_are_those_of_scikit_learn(predictions: Predictions, analysis: Analysis) -> None:
    curves = iter(analysis.curves)
    for item in predictions.tasks:
        for c, name in enumerate(item.task.classes):
            curve = next(curves)
            hits, probabilities = item.labels[item.known] == c, item.probabilities[item.known, c]
            assert (curve.task, curve.label, curve.support) == (item.task.name, name, hits.sum())
            assert curve.average_precision == pytest.approx(average_precision_score(hits, probabilities))
            assert curve.prevalence == pytest.approx(hits.mean())
            for recall, precision, threshold in zip(curve.recall, curve.precision, curve.thresholds, strict=True):
                assert recall == pytest.approx(recall_score(hits, probabilities >= threshold))
                assert precision == pytest.approx(precision_score(hits, probabilities >= threshold))
            for place in (0, 13, 50, 100):
                assert curve.hits[place] == (hits & (probabilities >= place / 100)).sum()
                assert curve.false_alarms[place] == (~hits & (probabilities >= place / 100)).sum()
    assert next(curves, None) is None


def test_long_curves_are_thinned_but_keep_their_ends() -> None:
    for curve in analyse(made(rows=3000), resamples=0).curves:
        assert 50 < len(curve.recall) <= 202
        assert curve.recall[0] == 1
        assert curve.thresholds == tuple(sorted(curve.thresholds))
        assert max(np.diff(curve.recall[::-1])) < 0.02


def test_the_most_confident_mistakes_come_first(predictions: Predictions, analysis: Analysis) -> None:
    for item in predictions.tasks:
        collected = [mistake for mistake in analysis.mistakes if mistake.task == item.task.name]
        decided = item.crossfit
        wrong = [row for row in range(ROWS) if item.labels[row] not in (IGNORE_INDEX, decided[row])]
        confidence = {row: item.probabilities[row, decided[row]] for row in wrong}
        order = sorted(wrong, key=lambda row: -confidence[row])
        assert [one.row for one in collected][:50] == order[:50]
        pairs = [(int(item.labels[row]), int(decided[row])) for row in order]
        beyond = [row for place, row in enumerate(order) if place >= 50 and pairs.index(pairs[place]) == place]
        assert [one.row for one in collected][50:] == beyond  # no pair of classes goes without an example
        for one in collected:
            assert one.id == predictions.ids[one.row]
            assert one.confidence == pytest.approx(confidence[one.row])
            assert one.label == item.task.classes[item.labels[one.row]] != one.predicted
            assert one.label_probability == pytest.approx(item.probabilities[one.row, item.labels[one.row]])
    few = analyse(predictions, resamples=0, shown=3).mistakes
    for name in analysis.classes:
        own, all_of_them = ([one for one in result if one.task == name] for result in (few, analysis.mistakes))
        assert own[:3] == all_of_them[:3]
        assert {(one.label, one.predicted) for one in own} == {(one.label, one.predicted) for one in all_of_them}


def test_slices_are_scores_of_their_rows(predictions: Predictions, analysis: Analysis) -> None:
    tone, topic = predictions.tasks
    source = np.array(predictions.metadata["source"])
    parts = {("metadata", "source"): {value: source == value for value in ("a", "b", "")}}
    parts |= {("task", item.task.name): {c: item.labels == n for n, c in enumerate(item.task.classes)}
              for item in (tone, topic)}  # fmt: skip
    parts[("length", "tokens")] = dict(length_parts(predictions.tokens))
    assert {(slicing.kind, slicing.by) for slicing in analysis.slicings} == set(parts)
    for slicing in analysis.slicings:
        assert {one.value for one in slicing.slices} == set(parts[slicing.kind, slicing.by])
        for one in slicing.slices:
            inside = parts[slicing.kind, slicing.by][one.value]
            assert one.rows == inside.sum()
            names = [score.task for score in one.scores]
            assert names == [
                item.task.name for item in (tone, topic) if (slicing.kind, slicing.by) != ("task", item.task.name)
            ]
            for score in one.scores:
                item = {"tone": tone, "topic": topic}[score.task]
                rows = inside & item.known
                labels, decided = item.labels[rows], item.crossfit[rows]
                every = range(len(item.task.classes))
                assert score.rows == rows.sum()
                assert score.macro_f1.value == pytest.approx(
                    f1_score(labels, decided, labels=every, average="macro", zero_division=0)
                )
                assert score.accuracy.value == pytest.approx(accuracy_score(labels, decided))
                assert score.f1 == pytest.approx(f1_score(labels, decided, labels=every, average=None, zero_division=0))
                assert score.support == tuple(int((labels == c).sum()) for c in every)
                assert score.absent == tuple(item.task.classes[c] for c in every if not (labels == c).any())
                assert score.accuracy.low <= score.accuracy.value <= score.accuracy.high
                if score.rows < FEWEST_ROWS:
                    assert score.macro_f1.low is None
                else:
                    assert score.macro_f1.low <= score.macro_f1.value <= score.macro_f1.high
    assert any("id of" in note and str(MOST_VALUES) in note for note in analysis.notes)


@pytest.mark.parametrize("tokens", [[5], [5, 5, 5], [1, 2], [3, 900], list(range(2, 50)), [7] * 90 + [8]], ids=str)
def test_every_row_lies_in_one_range_of_length(tokens: list[int]) -> None:
    parts = list(length_parts(np.array(tokens)))
    assert sum(inside.astype(int) for _, inside in parts).tolist() == [1] * len(tokens)
    assert all(inside.any() for _, inside in parts)
    assert len({name for name, _ in parts}) == len(parts) <= 5


def test_without_crossfit_the_stored_rule_is_the_headline() -> None:
    analysis = analyse(made(crossfit=False), resamples=0)
    assert analysis.crossfit is None
    assert analysis.headline is analysis.decided
    assert not analysis.calibration[0].fitted_here


def test_what_was_not_calibrated_was_fitted_on_no_rows() -> None:
    first, second = made().tasks
    plain = softmax(first.logits.astype(np.float64), axis=1)
    both = (replace(first, probabilities=plain.astype(np.float32).astype(np.float64)), second)
    calibration = analyse(Predictions([str(n) for n in range(ROWS)], both), resamples=0).calibration
    assert [one.fitted_here for one in calibration] == [False, True]


def test_a_file_made_by_hand_has_scores_and_says_what_it_lacks(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({
            "id": ["1", "2", "3", "4"],
            "tone.label": ["a", "b", None, "b"],
            "tone.pred": ["a", "b", "a", "a"],
        }),
        tmp_path / "hand.parquet",
    )  # fmt: skip
    analysis = analyse(read_predictions(tmp_path / "hand.parquet"), resamples=50)
    assert analysis.uncalibrated is None
    assert analysis.crossfit is None
    assert analysis.decided.task("tone").accuracy.value == pytest.approx(2 / 3)
    assert analysis.decided.overall.value == pytest.approx(2 / 3)
    assert (analysis.curves, analysis.mistakes) == ((), ())
    assert analysis.calibration[0].before is None
    assert "tone: the file holds no logits, so there is no uncalibrated score" in analysis.notes


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_few_rows_and_tasks_without_labels_make_no_false_numbers(rows: int) -> None:
    few = made(rows=rows, missing=0)
    tone, topic = few.tasks
    nothing = replace(topic, labels=np.full(rows, IGNORE_INDEX))
    analysis = analyse(replace(few, tasks=(tone, nothing)), resamples=20)
    unknown = analysis.decided.task("topic")
    assert unknown.rows == 0
    assert unknown.macro_f1.value is None
    assert unknown.macro_f1.low is None
    assert analysis.calibration[1].after is None
    assert "topic: no row has a label, so it has no scores" in analysis.notes
    if not rows:
        assert analysis.decided.overall.value is None


def test_it_survives_a_file_and_json(predictions: Predictions, analysis: Analysis, tmp_path: Path) -> None:
    write_predictions(tmp_path / "val.parquet", predictions)
    classes = {task.name: task.classes for task in TASKS}
    assert analyse(read_predictions(tmp_path / "val.parquet", classes), resamples=200) == analysis
    content = json.loads(json.dumps(analysis.to_dict(), allow_nan=False))
    assert content["crossfit"]["tasks"][0]["classes"][1]["name"] == "yes"
    for rows in (0, 1):
        json.dumps(analyse(made(rows=rows), resamples=10).to_dict(), allow_nan=False)


def test_groups_widen_the_interval_of_the_mean() -> None:
    small = made(rows=60, crossfit=False)
    ten_times = small.select(np.repeat(np.arange(60), 10))
    alone = analyse(ten_times, resamples=300).decided.overall
    post = [str(number) for number in np.repeat(np.arange(60), 10)]
    result = analyse(replace(ten_times, metadata={"post": post}, group="post"), resamples=300)
    grouped = result.decided.overall
    assert any("60 values of post" in note for note in result.notes)
    assert grouped.value == alone.value
    assert (grouped.high - grouped.low) > 2 * (alone.high - alone.low)


@pytest.mark.parametrize(("rows", "wrong"), [(1000, 1.7e-4), (1000, 0.004), (4000, 0.02)])
def test_the_chance_of_rare_mistakes_is_that_of_mistakes(rows: int, wrong: float) -> None:
    found = ece_of_calibrated(np.full(rows, 1 - wrong))
    exact = abs(binom(rows, wrong).rvs(200_000, random_state=1) - rows * wrong) / rows
    assert found.mean() == pytest.approx(exact.mean(), rel=0.1, abs=2e-5)
    assert (exact > np.quantile(found, 0.95) + 1e-9).mean() <= 0.07
    assert np.isfinite(ece_of_calibrated(np.full(rows, 1 + 1e-7))).all()


@pytest.mark.parametrize("rows", [30, 2000])
def test_the_calibration_error_of_perfect_probabilities_is_told_beside_it(rows: int) -> None:
    collected = []
    for seed in range(40):
        draw = np.random.default_rng(seed)
        right = 1.5 * draw.normal(size=(rows, 3))
        labels = (right + draw.gumbel(size=right.shape)).argmax(axis=1)
        collected.append(calibration_numbers(softmax(right, axis=1), labels))
    assert np.mean([one.ece for one in collected]) == pytest.approx(
        np.mean([one.ece_by_chance for one in collected]), rel=0.1
    )
    assert 0.8 <= np.mean([one.ece <= one.ece_limit for one in collected]) <= 1
    wrong = calibration_numbers(softmax(4 * right, axis=1), labels)
    assert wrong.ece > wrong.ece_limit or rows == 30


@pytest.mark.parametrize(("groups", "resamples"), [(1, 200), (40, 200), (40, 0)])
def test_the_heading_promises_intervals_only_where_there_are_any(
    groups: int, resamples: int, predictions: Predictions
) -> None:
    posts = {"post": [str(row % groups) for row in range(len(predictions))]}
    analysis = analyse(replace(predictions, metadata=posts, group="post"), resamples=resamples)
    table = decisions_table(analysis, "val")
    shown = [str(cell) for cell in table.columns[1].cells]
    assert analysis.has_intervals == (groups > 1 and resamples > 0)
    assert str(table.title).endswith(" [95% interval]") == analysis.has_intervals
    assert all(("[" in cell) == analysis.has_intervals for cell in shown)
    assert ("there are no intervals" in " ".join(analysis.notes)) == (groups == 1)
