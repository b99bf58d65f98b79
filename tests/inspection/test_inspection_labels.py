"""Planted label errors are found, and rows that are often confused are told."""

import tracemalloc
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from polarity.baselines.crossval import out_of_fold
from polarity.data.duplicates import NearDuplicates
from polarity.data.rows import Splits
from polarity.evaluation.metrics import score_task
from polarity.inspection.console import FEW, suspicious_table
from polarity.inspection.findings import of_labels
from polarity.inspection.labels import LIKELIER, check_labels, suspicious
from polarity.inspection.pool import Pool
from polarity.tasks import IGNORE_INDEX, Task
from tests.baselines.corpora import TONE, TOPIC, splits
from tests.inspection.pools import pool

PLANTED = range(0, 60, 4)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pool, list[np.ndarray]]:
    given = splits(300, 60, 60, missing=0.1)
    labels = given.train.labels.copy()
    for row in PLANTED:
        if labels[row, 0] != IGNORE_INDEX:
            labels[row, 0] = (labels[row, 0] + 1) % 3
    given = replace(given, train=replace(given.train, labels=labels))
    pool = Pool.of(given, NearDuplicates(), show_texts=True)
    guesses = out_of_fold(given, pool.rows, pool.group, tmp_path_factory.mktemp("c"), strengths={}, folds=5, repeats=3)
    return pool, guesses


def test_planted_errors_are_found(checked: tuple[Pool, list[np.ndarray]]) -> None:
    tone, topic = check_labels(*checked, None)
    planted = {f"0-{row}" for row in PLANTED}
    result = {one.row.id for one in tone.examples}
    assert len(result & planted) >= 0.8 * len(planted)
    assert len(result & planted) >= 0.8 * len(result)
    assert sum(tone.suspicious.values()) == len(tone.examples)
    assert sum(topic.suspicious.values()) <= 3
    for one in tone.examples:
        assert one.suggested_probability >= LIKELIER * one.probability * 0.999
        assert one.label != one.suggested


@pytest.mark.parametrize(("most", "first"), [(2, 2), (None, FEW)])
def test_the_title_of_the_suspicious_says_how_many_of_how_many_are_shown(
    checked: tuple[Pool, list[np.ndarray]], most: int | None, first: int
) -> None:
    tone, everything = check_labels(*checked, most)[0], check_labels(*checked, None)[0]
    table, total = suspicious_table(tone), len(everything.examples)
    assert total > FEW
    assert table.title == f"tone: suspicious labels, the first {first} of {total}"
    assert table.row_count == first


def test_a_row_that_is_taken_for_another_class_is_not_said_to_be_less_sure_than_it_is() -> None:
    labels = np.array([0] * 20 + [1] * 20)
    probabilities = np.where(np.eye(2)[labels] == 1, 0.95, 0.05)
    probabilities[0] = [0.2, 0.8]  # four times as sure, but not as sure as of the other rows of that class
    assert not len(suspicious(labels, probabilities))
    task = Task("tone", ("calm", "angry"), "tone")
    given: Any = SimpleNamespace(tasks=[task], rows=SimpleNamespace(labels=labels[:, None]), row=lambda number: number)
    (found,) = of_labels(check_labels(given, [probabilities[None]], None))
    assert "1 of 40 rows is taken for another class" in found.text
    assert "stands out by confident learning with another class 3 times as probable" in found.text


def test_what_is_reported_follows_from_the_probabilities(checked: tuple[Pool, list[np.ndarray]]) -> None:
    pool, probabilities = checked
    for number, (task, result) in enumerate(zip((TONE, TOPIC), check_labels(pool, probabilities, None), strict=True)):
        labels = pool.rows.labels[:, number]
        guess = probabilities[number].mean(axis=0).argmax(axis=1)
        assert result.macro_f1 == score_task(task, labels, guess).macro_f1
        known = labels != IGNORE_INDEX
        assert result.rows == known.sum()
        for pair in result.pairs:
            c, other = task.classes.index(pair.label), task.classes.index(pair.predicted)
            assert pair.rows == (known & (labels == c) & (guess == other)).sum()
            assert pair.share == pytest.approx(pair.rows / (labels == c).sum())
        assert sum(pair.rows for pair in result.pairs) == (known & (labels != guess)).sum()
        wrong = (probabilities[number].argmax(axis=2) != labels).sum(axis=0)
        times = {pool.rows.ids[row]: int(wrong[row]) for row in np.flatnonzero(known & (wrong > 0))}
        assert {one.row.id: one.times for one in result.confused} == times
        assert [one.times for one in result.confused] == sorted((one.times for one in result.confused), reverse=True)
        assert all(one.predicted != one.label and one.repeats == 3 for one in result.confused)


@pytest.mark.parametrize(
    ("repeats", "predicted", "probability"),
    [
        ([[0.1, 0.46, 0.44], [0.1, 0.46, 0.44], [0.1, 0.0, 0.9]], "angry", 0.92 / 3),
        ([[0.1, 0.5, 0.4], [0.1, 0.2, 0.7], [0.9, 0.1, 0.0]], "odd", 1.1 / 3),
    ],
    ids=["most often", "equally often, and more probable"],
)
def test_a_row_is_told_with_the_class_that_it_was_taken_for_most_often(
    repeats: list[list[float]], predicted: str, probability: float
) -> None:
    task = Task("tone", ("calm", "angry", "odd"), "tone")
    labels = np.array([0, 1, 2])
    sure = np.repeat(np.eye(3)[None], 3, axis=0)
    sure[:, 0] = repeats
    given: Any = SimpleNamespace(tasks=[task], rows=SimpleNamespace(labels=labels[:, None]), row=lambda number: number)
    (row,) = check_labels(given, [sure], None)[0].confused
    assert (row.predicted, row.times) == (predicted, sum(values[0] < 0.5 for values in repeats))
    assert row.probability == pytest.approx(probability)


def test_lists_are_no_longer_than_asked(checked: tuple[Pool, list[np.ndarray]]) -> None:
    all_of_them, few = check_labels(*checked, None)[0], check_labels(*checked, 2)[0]
    assert few.examples == all_of_them.examples[:2]
    assert few.confused == all_of_them.confused[:2]
    assert few.suspicious == all_of_them.suspicious


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("rows", [2, 5, 200])
def test_labels_that_a_perfect_model_believes_are_not_suspicious(classes: int, rows: int) -> None:
    labels = np.arange(rows) % min(classes, rows)
    sure = np.full((rows, classes), 0.02)
    sure[np.arange(rows), labels] = 1
    assert len(suspicious(labels, sure)) == 0


@pytest.mark.parametrize("label", [0, IGNORE_INDEX])
def test_one_class_or_none_cannot_be_doubted(label: int, tmp_path: Path) -> None:
    given = splits(20, 5, None)
    parts = {name: replace(rows, labels=np.full_like(rows.labels, label)) for name, rows in given.items()}
    given = Splits(given.tasks, parts["train"], parts["val"], None)
    pool = Pool.of(given, NearDuplicates(), show_texts=True)
    guesses = out_of_fold(given, pool.rows, pool.group, tmp_path, strengths={}, folds=5, repeats=1)
    for task in check_labels(pool, guesses, None):
        assert task.macro_f1 is None
        assert task.examples == task.confused == task.pairs == ()


def test_what_belongs_together_is_left_out_as_a_whole() -> None:
    given = pool(3, 40)
    units = given.joined(["post", "Lang"])
    for column in ("post", "Lang"):
        cells = given.rows.metadata[column]
        for value in {*cells} - {""}:
            assert len({*units[[cell == value for cell in cells]]}) == 1
    assert all(len({*units[given.group == number]}) == 1 for number in given.group)
    alone = replace(given, group=np.arange(len(given)))
    assert len({*alone.joined([])}) == len(given)
    assert (
        len({*alone.joined(["post", "Lang"])}) < len({*alone.joined(["post"])}) == len({*given.rows.metadata["post"]})
    )
    assert len(pool(0, 0, test=False).joined(["post"])) == 0


def test_one_long_value_takes_no_memory_for_all() -> None:
    given = pool(3, 40)
    before = given.joined(["post"])
    given.rows.metadata["post"] = [cell.replace("p1", "p1" * 50_000) for cell in given.rows.metadata["post"]]
    tracemalloc.start()
    after = given.joined(["post"])
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1_000_000
    assert (
        len({*zip(before.tolist(), after.tolist(), strict=True)}) == len({*before.tolist()}) == len({*after.tolist()})
    )


def test_a_model_that_is_never_sure_is_told_of(checked: tuple[Pool, list[np.ndarray]]) -> None:
    """Its silence would look like labels without a fault."""
    pool, probabilities = checked
    flat = [(values + 20) / (values + 20).sum(axis=-1, keepdims=True) for values in probabilities]
    labels = check_labels(pool, flat, None)
    said = [finding.text for finding in of_labels(labels)]
    assert not any(sum(task.suspicious.values()) for task in labels)
    confused = [sum(pair.rows for pair in task.pairs) for task in labels]
    assert max(confused) > 1
    for task, count in zip(labels, confused, strict=True):
        line = f"{task.task}: no label is suspicious, though {count:,} of {task.rows:,} rows"
        assert any(text.startswith(line) for text in said) == (count > 0)
