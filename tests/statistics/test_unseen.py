"""Classes that are the same in every sample of the rows hide what other rows may show, and intervals say so."""

from pathlib import Path

import numpy as np
import pytest

import polarity
from polarity.evaluation.predictions import Predictions, TaskPredictions
from polarity.statistics import intervals, paired_difference
from polarity.statistics.counts import Counts
from polarity.statistics.equivalence import equivalence_p
from polarity.statistics.unseen import hidden_error
from polarity.tasks import IGNORE_INDEX, Task
from tests.comparison.made import a_run, by_hand

RARE = Task("t", ("common", "rare"), "t")


def rows_of(labels: np.ndarray, groups: np.ndarray | None = None) -> Predictions:
    task = TaskPredictions(RARE, labels, labels)
    names = [str(number) for number in range(len(labels))]
    metadata = {} if groups is None else {"post": [str(value) for value in groups]}
    return Predictions(names, (task,), metadata, group=None if groups is None else "post")


def a_rare_class(generator: np.random.Generator, rows: int, share: float, missed: float) -> tuple[np.ndarray, ...]:
    """Labels, decisions that are all right, and decisions that miss some of the rare class."""
    labels = (generator.random(rows) < share).astype(np.int64)
    return labels, labels.copy(), np.where(generator.random(rows) < missed, 0, labels)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize(("rows", "share", "missed"), [(1000, 0.004, 0.3), (300, 0.02, 0.15), (60, 0.1, 0.0)])
def test_a_difference_in_a_class_of_few_rows_is_not_overlooked(
    rows: int, share: float, missed: float, *, grouped: bool
) -> None:
    """Where no row of the class tells the systems apart, the interval holds the truth all the same."""
    generator = np.random.default_rng(0)
    hits, predicted, actual = share * (1 - missed), share * (1 - missed), share
    rare, common = 2 * hits / (predicted + actual), 2 * (1 - share) / (2 * (1 - share) + share * missed)
    truth, held, equal = (rare + common) / 2 - 1, [], []
    for _ in range(150):
        labels, first, second = a_rare_class(generator, rows, share, missed)
        if not labels.any():
            continue
        groups = np.arange(rows) if grouped else None
        found = paired_difference(rows_of(labels, groups), [first], [second], resamples=200).overall
        assert found.interval is not None
        assert found.interval.low <= found.value <= found.interval.high
        held.append(truth in found.interval)
        equal.append(found.interval.low > -0.01 and found.interval.high < 0.01)
    assert np.mean(held) >= 0.93
    assert not any(equal), "so few rows of a class never show that two systems are within 1 point"


def test_many_rows_that_are_decided_alike_are_evidence_of_equality() -> None:
    labels = np.arange(6000) % 2
    decided = np.where(np.arange(6000) % 5 == 0, 1 - labels, labels)
    counts = Counts([RARE], labels[:, None], [[decided], [decided.copy()]])
    error = hidden_error(counts, [0], [1])
    assert 0 < error < 0.001
    assert equivalence_p(0.0, error, 5999, 0.01) < 0.001


def test_rows_without_a_label_are_no_evidence() -> None:
    """Neither of equality nor of anything else: intervals are those of the labelled rows alone."""
    generator = np.random.default_rng(1)
    labels, known = generator.integers(0, 2, 1000), np.arange(1000) < 40
    for wrong in (0, 6):
        first = np.where(generator.random(1000) < 0.2, 1 - labels, labels)
        second = np.where(np.arange(1000) < wrong, 1 - first, first)
        second[~known] = 1
        hidden = np.where(known, labels, IGNORE_INDEX)
        with_them, without = (
            hidden_error(Counts([RARE], own[:, None], [[a], [b]]), [0], [1])
            for own, a, b in ((hidden, first, second), (labels[known], first[known], second[known]))
        )
        assert with_them == without
        assert (wrong == 0) == (without > 0.02)
    counts = Counts([RARE], np.where(known, labels, IGNORE_INDEX)[:, None], [[first]])
    assert counts.effective_units() == counts.effective_units(0) == 40


def test_a_task_of_few_labels_widens_the_overall_difference() -> None:
    labels = np.stack([np.arange(1000) % 2] * 2, axis=1)
    labels[8:, 1] = IGNORE_INDEX
    tasks = [RARE, Task("other", ("no", "yes"), "other")]
    first = [labels[:, 0].copy(), np.arange(1000) % 2]
    second = [np.where(np.arange(1000) % 7 == 0, 1 - labels[:, 0], labels[:, 0]), first[1]]
    counts = Counts(tasks, labels, [first, second])
    alone, other, both = (hidden_error(counts, [0], [1], task) for task in (0, 1, None))
    assert alone == 0, "each class tells the systems apart"
    assert both == pytest.approx(other / 2)
    assert other > 0.1


def test_a_class_without_a_row_says_nothing() -> None:
    labels = np.zeros(50, dtype=np.int64)
    decided = np.zeros(50, dtype=np.int64)
    three = Task("t", ("a", "b", "never"), "t")
    labels[:20] = decided[:20] = 1
    counts = Counts([three], labels[:, None], [[decided], [decided]])
    two = Counts([Task("t", ("a", "b"), "t")], labels[:, None], [[decided], [decided]])
    assert hidden_error(counts, [0], [1]) == pytest.approx(hidden_error(two, [0], [1]) * 2 / 3)


@pytest.mark.parametrize("grouped", [False, True])
def test_the_difference_is_the_same_from_either_side_and_by_any_name(*, grouped: bool) -> None:
    generator = np.random.default_rng(3)
    labels, first, _ = a_rare_class(generator, 60, 0.08, 0.0)
    second = np.where(generator.random(60) < 0.15, 1 - labels, first)
    second[labels == 1] = first[labels == 1] = 1
    second[:30] = first[:30]
    posts = np.arange(60) // 10
    found = []
    for names, (one, other) in (
        (posts, (first, second)),
        (posts, (second, first)),
        ((5 * posts + 1) % 6, (first, second)),
    ):
        rows = rows_of(labels, names if grouped else None)
        found.append(paired_difference(rows, [one], [other], resamples=500).overall)
    there, back, renamed = found
    assert there.interval is not None
    assert back.interval is not None
    assert renamed.interval is not None
    assert (there.interval.low, there.interval.high) == pytest.approx((-back.interval.high, -back.interval.low))
    assert (there.interval.low, there.interval.high) == pytest.approx((renamed.interval.low, renamed.interval.high))


@pytest.mark.parametrize("missed", [False, True])
def test_what_both_sides_do_alike_seed_by_seed_tells_them_nothing_apart(*, missed: bool) -> None:
    """The seeds of each differ, and those of one are those of the other: a setting without effect."""
    labels = np.array([1, 1, 1, 1, *[0] * 90])
    one, other = labels.copy(), labels.copy()
    other[4:12] = 1
    other[0] = 0 if missed else 1
    alike = Counts([RARE], labels[:, None], [[one], [other], [other], [one]])
    whole = Counts([RARE], labels[:, None], [[one], [one], [one], [one]])
    assert hidden_error(alike, [0, 1], [2, 3]) > 0.03
    assert hidden_error(whole, [0, 1], [2, 3]) > 0.03
    apart = Counts([RARE], labels[:, None], [[one], [other], [one], [one]])
    assert hidden_error(apart, [0, 1], [2, 3]) == 0, "both classes tell them apart"


def test_further_seeds_that_decide_alike_are_no_further_rows(tmp_path: Path) -> None:
    """Thirty rows, two of the rare class, found by no run: a second seed of each tells nothing of other rows."""
    labels = np.array([1, 1, *[0] * 28])
    nothing = np.zeros(30, dtype=np.int64)
    for gamma in (1.0, 2.0):
        for seed in (0, 1):
            folder = tmp_path / f"{gamma}-{seed}"
            a_run(folder, labels, nothing, classes=("common", "rare"), loss={"gamma": gamma}, seed=seed)
    whole = polarity.compare([str(tmp_path / "*")])[0]
    single = polarity.compare([str(tmp_path / f"{gamma}-0") for gamma in (1.0, 2.0)])[0]
    assert [pair.verdict for pair in (*whole.pairs, *single.pairs)] == ["unclear", "unclear"]
    for comparison in (whole, single):
        assert comparison.pairs[0].interval.high > 0.2
        assert all(group.interval.high > 0.8 for group in comparison.groups)
    assert [group.seeds for group in whole.groups] == [2, 2]


def test_decisions_by_hand_with_few_labels_are_not_called_equal(tmp_path: Path) -> None:
    labels = ["p" if number % 2 else "n" for number in range(1000)]
    known = [*labels[:8], *[None] * 992]
    for name, decided in (("a", labels), ("b", [*labels[:8], *["p"] * 992])):
        by_hand(tmp_path / name, {"tone": (known, decided)})
    pair = polarity.compare([str(tmp_path / "a"), str(tmp_path / "b")])[0].pairs[0]
    assert pair.verdict == "unclear"
    assert pair.interval.high > 0.2


def test_an_interval_of_a_mean_of_runs_is_no_narrower_than_that_of_equal_ones() -> None:
    labels = np.array([1, 1, *[0] * 28])
    one = intervals(rows_of(labels), [np.zeros(30, dtype=np.int64)], resamples=200).overall
    assert one is not None
    assert one.high > 0.8
