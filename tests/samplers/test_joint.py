"""The joint sampler against the figures of the reference campaign, and each setting by its effect."""

from typing import Any

import numpy as np
import pytest

from polarity.errors import UserError
from polarity.samplers import JointSampler
from polarity.tasks import IGNORE_INDEX, Task

TASKS = (
    Task("sentiment", ("negative", "neutral", "positive"), "sentiment"),
    Task("polarization", ("non_polarized", "objective", "partisan"), "polarization"),
)
CELLS = np.array([[673, 128, 3332], [998, 227, 649], [271, 50, 647]])
LABELS = np.repeat(np.argwhere(CELLS >= 0), CELLS.reshape(-1), axis=0)

SETTINGS: dict[str, Any] = {"alpha": 0.7, "max_mult": 8.0, "boosts": {}, "rows_per_epoch": None}


def weights(labels: np.ndarray = LABELS, tasks: tuple[Task, ...] = TASKS, **changed: Any) -> np.ndarray:
    sampler = JointSampler(**SETTINGS | changed)
    sampler.fit(labels, tasks, seed=0)
    return sampler.weights


def of_cells(**changed: Any) -> np.ndarray:
    """Weight of each cell ``[sentiment, polarization]``; every row of a cell has the same."""
    values = weights(**changed)
    table = np.zeros((3, 3))
    for s, p in np.ndindex(3, 3):
        (table[s, p],) = np.unique(values[np.all([s, p] == LABELS, axis=1)])
    return table


def test_golden_weights_before_boosting() -> None:
    golden = [[1, 3.838281, 1], [1, 2.295154, 1], [1.971218, 5.9, 1]]
    np.testing.assert_allclose(of_cells(), golden, atol=5e-7)


@pytest.mark.parametrize(
    ("objective", "neutral", "largest", "cell"),
    [
        pytest.param(6.0, 2.5, 35.40, (2, 1), id="run1"),
        pytest.param(10.0, 4.0, 91.81, (1, 1), id="run2"),
        pytest.param(7.0, 3.0, 48.20, (1, 1), id="run3"),
        pytest.param(8.5, 3.5, 68.28, (1, 1), id="run4"),
    ],
)
def test_golden_largest_weights_with_boosts(
    objective: float, neutral: float, largest: float, cell: tuple[int, int]
) -> None:
    table = of_cells(boosts={"polarization": {"objective": objective}, "sentiment": {"neutral": neutral}})
    assert round(float(table.max()), 2) == largest
    assert np.unravel_index(table.argmax(), table.shape) == cell


def test_alpha_goes_from_the_natural_distribution_to_the_median_cell() -> None:
    assert (weights(alpha=0.0, max_mult=None) == 1).all()
    assert of_cells(alpha=1.0, max_mult=None)[2, 1] == pytest.approx(647 / 50)
    assert of_cells(alpha=0.5)[2, 1] == pytest.approx(0.5 + 0.5 * 8)


def test_max_mult_caps_the_factor_before_boosts() -> None:
    boosts = {"polarization": {"objective": 2.0}}
    assert of_cells(alpha=1.0, max_mult=3.0, boosts=boosts)[2, 1] == pytest.approx(6.0)
    assert of_cells(alpha=1.0, max_mult=None, boosts=boosts)[2, 1] == pytest.approx(2 * 647 / 50)


def test_boosts_multiply_over_the_tasks_and_nothing_else_changes() -> None:
    ratio = of_cells(boosts={"polarization": {"objective": 6.0}, "sentiment": {"neutral": 0.5}}) / of_cells()
    np.testing.assert_allclose(ratio, [[1, 6, 1], [0.5, 3, 0.5], [1, 6, 1]])


def test_a_boost_of_zero_leaves_a_class_out() -> None:
    sampler = JointSampler(**SETTINGS | {"boosts": {"sentiment": {"negative": 0.0}}})
    sampler.fit(LABELS, TASKS, seed=0)
    assert not (LABELS[sampler.draw(0), 0] == 0).any()
    assert sampler.rows_drawn == len(LABELS)


def test_boosts_that_leave_no_row_are_refused() -> None:
    nothing = {"sentiment": dict.fromkeys(TASKS[0].classes, 0.0)}
    with pytest.raises(UserError, match="every labelled row has weight 0"):
        weights(boosts=nothing)


def test_a_missing_label_is_a_value_of_its_own_and_is_not_boosted() -> None:
    labels = np.array([[0, 1]] * 8 + [[0, IGNORE_INDEX]] * 4 + [[IGNORE_INDEX, 1]] * 2)
    plain = weights(labels, alpha=1.0)
    np.testing.assert_allclose(plain, [1] * 8 + [1] * 4 + [2] * 2)  # the median cell has 4 rows
    boosted = weights(labels, alpha=1.0, boosts={"polarization": {"objective": 5.0}})
    np.testing.assert_allclose(boosted / plain, [5] * 8 + [1] * 4 + [5] * 2)


def test_no_row_needs_both_labels() -> None:
    one_each = np.array([[0, IGNORE_INDEX]] * 6 + [[IGNORE_INDEX, 2]] * 3 + [[1, IGNORE_INDEX]] * 3)
    np.testing.assert_allclose(weights(one_each, alpha=1.0), [1] * 12)


@pytest.mark.parametrize("number", [1, 3])
def test_any_number_of_tasks(number: int) -> None:
    tasks = tuple(Task(f"task{index}", ("none", "yes"), "c") for index in range(number))
    labels = np.zeros((9, number), dtype=np.int64)
    labels[6:] = 1
    values = weights(labels, tasks, alpha=1.0, boosts={"task0": {"yes": 2.0}})
    np.testing.assert_allclose(values, [1] * 6 + [2 * 4.5 / 3] * 3)


def test_an_epoch_draws_in_proportion_to_the_weights() -> None:
    boosts = {"polarization": {"objective": 6.0}}
    sampler = JointSampler(**SETTINGS | {"boosts": boosts, "rows_per_epoch": 200_000})
    sampler.fit(LABELS, TASKS, seed=0)
    share = np.bincount(LABELS[sampler.draw(0), 1], minlength=3) / 200_000
    table = of_cells(boosts=boosts) * CELLS
    np.testing.assert_allclose(share, table.sum(axis=0) / table.sum(), atol=0.005)


def test_rows_are_drawn_with_replacement() -> None:
    sampler = JointSampler(**SETTINGS | {"alpha": 0.0, "max_mult": None})
    sampler.fit(LABELS, TASKS, seed=0)
    seen = len(set(sampler.draw(0).tolist())) / len(LABELS)
    assert seen == pytest.approx(1 - np.exp(-1), abs=0.02)  # n draws of n rows leave out a share of 1/e


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"alpha": 0.0}, "max_mult: has no effect with alpha=0"),
        ({"max_mult": 1.0}, "alpha: has no effect with max_mult=1"),
    ],
)
def test_settings_without_effect_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        JointSampler(**SETTINGS | changed)


def test_boosts_for_what_does_not_exist_are_problems_with_the_nearest_name() -> None:
    boosts = {"polarization": {"objectiv": 6.0}, "sentimnt": {"neutral": 2.0}}
    problems = JointSampler(**SETTINGS | {"boosts": boosts}).problems(TASKS)
    assert any(line.startswith("boosts.sentimnt: ") and "'sentiment'" in line for line in problems)
    assert any(line.startswith("boosts.polarization.objectiv: ") and "'objective'" in line for line in problems)
    assert JointSampler(**SETTINGS | {"boosts": {"sentiment": {"neutral": 2.0}}}).problems(TASKS) == []
