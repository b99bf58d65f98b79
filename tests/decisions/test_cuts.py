"""The search over sorted scores against trying everything."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from polarity.confusion import confusion
from polarity.decisions import AddedBias, OrderedThresholds
from polarity.decisions.bias import best_bias
from polarity.decisions.cuts import Contest, best_cut, sum_of_f1
from polarity.decisions.threshold import best_thresholds


def sample(rows: int, classes: int, seed: int, *, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities and labels; with ties, of few different values."""
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=(rows, classes))
    labels = (scores + 1.5 * generator.gumbel(size=scores.shape) + np.arange(classes)).argmax(axis=1)
    if ties:
        scores = np.round(scores)
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)), labels


def macro(labels: np.ndarray, decided: np.ndarray, classes: int) -> float:
    return sum_of_f1(confusion(labels, decided, classes)) / classes


def between(values: np.ndarray) -> list[float]:
    """A value between any two of these that are not equal but for rounding, and one beyond each end."""
    values = np.sort(values)
    values = values[np.concatenate([[True], np.diff(values) > 1e-9])]
    return [values[0] - 1, *(values[:-1] + values[1:]) / 2, values[-1] + 1]


def by_trying_every_bias(log_p: np.ndarray, labels: np.ndarray, bias: np.ndarray, c: int) -> float:
    """The best macro-F1 over values of one bias: one between any two margins, and one beyond each end."""
    others = np.delete(log_p + bias, c, axis=1).max(axis=1)
    changed = [np.where(np.arange(len(bias)) == c, value, bias) for value in between(others - log_p[:, c])]
    return max(macro(labels, AddedBias(tuple(row)).decide(log_p, log_p), len(bias)) for row in changed)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    seed=st.integers(0, 999),
    rows=st.integers(2, 60),
    classes=st.integers(2, 12),
    ties=st.booleans(),
    spread=st.floats(0, 2),
)
def test_one_step_is_the_optimum_of_all_values(seed: int, rows: int, classes: int, ties: bool, spread: float) -> None:
    log_p, labels = sample(rows, classes, seed, ties=ties)
    bias = spread * np.random.default_rng(seed).normal(size=classes)
    c = seed % classes
    biased = log_p + bias
    biased[:, c] = -np.inf
    contest = Contest(c, labels, biased.argmax(axis=1), log_p[:, c] - biased.max(axis=1), np.full(rows, 1e-12))
    cut, total = best_cut(contest, np.zeros((classes, classes), dtype=np.int64))
    bias[c] = -cut
    assert total / classes == pytest.approx(by_trying_every_bias(log_p, labels, bias, c))
    decided = AddedBias(tuple(bias)).decide(log_p, log_p)
    assert macro(labels, decided, classes) == pytest.approx(total / classes), "the cut does what the search counted"


@settings(max_examples=40, derandomize=True, deadline=None)
@given(seed=st.integers(0, 999), rows=st.integers(2, 60), classes=st.integers(2, 4), ties=st.booleans())
def test_no_single_bias_can_be_bettered(seed: int, rows: int, classes: int, ties: bool) -> None:
    log_p, labels = sample(rows, classes, seed, ties=ties)
    bias = np.array(best_bias(log_p, labels, np.arange(classes)))
    reached = macro(labels, AddedBias(tuple(bias)).decide(log_p, log_p), classes)
    assert reached >= macro(labels, log_p.argmax(axis=1), classes) - 1e-12
    for c in range(classes):
        assert by_trying_every_bias(log_p, labels, bias, c) <= reached + 1e-9


@settings(max_examples=40, derandomize=True, deadline=None)
@given(seed=st.integers(0, 999), rows=st.integers(2, 60), classes=st.integers(2, 4), ties=st.booleans())
def test_no_single_threshold_can_be_bettered(seed: int, rows: int, classes: int, ties: bool) -> None:
    log_p, labels = sample(rows, classes, seed, ties=ties)
    order = tuple(np.argsort(np.bincount(labels, minlength=classes), kind="stable").tolist())
    rule = best_thresholds(log_p, labels, order, np.ones(classes, dtype=bool))
    reached = macro(labels, rule.decide(log_p, log_p), classes)
    assert reached >= macro(labels, log_p.argmax(axis=1), classes) - 1e-12
    for c in order[:-1]:
        for value in between(log_p[:, c]):
            changed = tuple(value if k == c else old for k, old in enumerate(rule.thresholds))
            other = OrderedThresholds(order, changed).decide(log_p, log_p)
            assert macro(labels, other, classes) <= reached + 1e-9


@pytest.mark.parametrize("seed", range(8))
def test_two_classes_reach_the_optimum_over_all_thresholds(seed: int) -> None:
    log_p, labels = sample(80, 2, seed)
    tried = [macro(labels, (log_p[:, 1] >= cut).astype(int), 2) for cut in [*log_p[:, 1], 1.0]]
    for rule in (
        AddedBias(best_bias(log_p, labels, np.arange(2))),
        best_thresholds(log_p, labels, (0, 1), np.ones(2, dtype=bool)),
    ):
        assert macro(labels, rule.decide(log_p, log_p), 2) == pytest.approx(max(tried))


def test_one_huge_row_does_not_coarsen_the_search() -> None:
    log_p, labels = sample(200, 3, 0)
    alone = macro(labels, AddedBias(best_bias(log_p, labels, np.arange(3))).decide(log_p, log_p), 3)
    log_p[0] = [0.0, -1e30, -2e30]
    from_three = macro(labels, AddedBias(best_bias(log_p, labels, np.arange(3))).decide(log_p, log_p), 3)
    assert from_three == pytest.approx(alone, abs=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_rows_that_tie_but_for_rounding_are_not_torn_apart(seed: int) -> None:
    """A large bias loses the last digits of what it is added to, so that equal margins come out unequal."""
    generator = np.random.default_rng(seed)
    own, margin = generator.normal(size=40), np.repeat(generator.normal(size=20), 2)
    log_p, labels = np.stack([own + 1000, own + margin], axis=1), np.tile([0, 1], 20)
    decided = AddedBias(best_bias(log_p, labels, np.arange(2))).decide(log_p, log_p).reshape(20, 2)
    assert (decided[:, 0] == decided[:, 1]).all()


def test_sum_of_f1_is_that_of_scikit_learn() -> None:
    log_p, labels = sample(300, 4, 0)
    decided = log_p.argmax(axis=1)
    expected = f1_score(labels, decided, labels=range(4), average="macro", zero_division=0)
    assert sum_of_f1(confusion(labels, decided, 4)) / 4 == pytest.approx(expected)


def test_rows_that_only_rounding_tells_apart_are_tied_by_the_error_of_either() -> None:
    resolution = np.array([1e-12, 1e-6, 1e-12])
    contest = Contest(0, np.array([0, 0, 1]), np.ones(3, dtype=int), np.array([5, 1 + 1e-9, 1]), resolution)
    assert best_cut(contest, np.zeros((2, 2), dtype=np.int64))[0] != pytest.approx(1)
    assert best_cut(replace(contest, resolution=np.full(3, 1e-12)), np.zeros((2, 2), dtype=np.int64))[
        0
    ] == pytest.approx(1)


@pytest.mark.parametrize(("label", "cut"), [(0, -4), (1, 7)])
def test_a_cut_beyond_all_scores_stays_clear_of_them(label: int, cut: float) -> None:
    """By as much as the last of them is large, and by 1 at least."""
    contest = Contest(0, np.full(3, label), np.ones(3, dtype=int), np.array([3.5, 0.5, -2]), np.full(3, 1e-12))
    assert best_cut(contest, np.zeros((2, 2), dtype=np.int64))[0] == cut
    small = replace(contest, scores=contest.scores / 10)
    assert best_cut(small, np.zeros((2, 2), dtype=np.int64))[0] == pytest.approx([-1.2, 1.35][label])
