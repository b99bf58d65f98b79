"""Equal configurations are not called different more often than promised, and the best of several is not overrated."""

import numpy as np
import pytest

from benchmarks.family_error import Case, check, error_and_power
from polarity.statistics.counts import Counts
from polarity.statistics.equivalence import equivalence_p
from polarity.statistics.interval import UNKNOWN, Interval
from polarity.statistics.percentile import percentile_interval
from polarity.statistics.resample import resample
from polarity.statistics.selection import Selection, select_best
from tests.statistics.simulated import (
    BASE,
    TASKS,
    better,
    draw_labels,
    draw_systems,
    some_seed,
    true_overall,
)


def test_the_simulation_is_of_what_compare_does() -> None:
    check()


@pytest.mark.parametrize("baseline", [False, True])
@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("spread", [0.0, 0.005, 0.02])
def test_equal_configurations_are_rarely_called_different(seeds: int, spread: float, baseline: bool) -> None:
    for configurations in (2, 5):
        for common in (0.0, 1.0):
            case = Case(configurations, seeds, 800, (spread,), common, baseline)
            assert error_and_power(case, 1500)["pooled"][0] <= 0.07, case


def best_of_equals(trials: int, spread: float, configurations: int = 20, rows: int = 800) -> np.ndarray:
    """Optimism of the score and of the corrected one, and whether the interval holds the truth; ``[trials, 3]``."""
    collected = []
    for number in range(trials):
        generator = np.random.default_rng([5, number])
        labels = draw_labels(generator, rows, 0.0)
        recalls = [some_seed(generator, BASE, spread) for _ in range(configurations)]
        counts = Counts(TASKS, labels, draw_systems(generator, labels, recalls))
        chosen = select_best(counts, [[system] for system in range(configurations)], resamples=300, seed=number)
        ordinary = percentile_interval(resample(counts, 300, number).overall[:, chosen.number])
        truth = true_overall(recalls[chosen.number])
        collected.append((chosen.score - truth, chosen.corrected - truth, truth in chosen.interval(ordinary)))
    return np.array(collected, dtype=float)


def test_the_best_of_equals_is_corrected() -> None:
    raw, corrected, held = best_of_equals(12, 0.0).mean(axis=0)
    assert raw > 0.012, "the score it was chosen by is too high"
    assert abs(corrected) < 0.01
    assert held >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 0.01])
def test_the_interval_of_the_best_covers_the_truth(spread: float) -> None:
    raw, corrected, held = best_of_equals(200, spread).mean(axis=0)
    assert raw > 0.012
    assert abs(corrected) < 0.006
    assert held >= 0.93


def test_one_that_is_far_better_loses_nothing_by_being_chosen() -> None:
    generator = np.random.default_rng(0)
    labels = draw_labels(generator, 800, 0.0)
    counts = Counts(TASKS, labels, draw_systems(generator, labels, [BASE, BASE, better(0.15), BASE]))
    result = select_best(counts, [[0], [1], [2], [3]], resamples=300)
    assert (result.number, result.of) == (2, 4)
    assert result.optimism < 0.002


def test_the_choice_among_seeds_is_corrected_for_their_luck() -> None:
    generator = np.random.default_rng(0)
    labels = draw_labels(generator, 800, 0.0)
    counts = Counts(TASKS, labels, draw_systems(generator, labels, [BASE] * 8))
    groups = [[0, 1], [2, 3], [4, 5], [6, 7]]
    plain, with_seeds = (select_best(counts, groups, between=b, resamples=300) for b in (None, [0.02**2] * 4))
    assert with_seeds.optimism > plain.optimism + 0.005


def test_what_is_unknown_stays_unknown() -> None:
    chosen = Selection(0, 3, 0.6, 0.02)
    assert chosen.interval(UNKNOWN) == UNKNOWN
    moved = chosen.interval(Interval(0.55, 0.65))
    assert (moved.low, moved.high) == pytest.approx((0.53, 0.63))


def test_equal_is_rarely_said_where_the_difference_is_the_margin() -> None:
    generator = np.random.default_rng(0)
    error, freedom = 0.004, 12
    drawn = generator.normal(size=4000) * error + 0.01
    errors = error * np.sqrt(generator.chisquare(freedom, size=4000) / freedom)
    said = [equivalence_p(d, e, freedom, 0.01) < 0.05 for d, e in zip(drawn, errors, strict=True)]
    assert 0.035 <= np.mean(said) <= 0.065
