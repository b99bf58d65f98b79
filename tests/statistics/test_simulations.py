"""The statistics keep their promises where the truth is known: coverage, false alarms, power."""

from collections.abc import Iterator

import numpy as np
import pytest

from polarity.statistics.counts import Counts, Statistics
from polarity.statistics.mcnemar import mcnemar
from polarity.statistics.percentile import bootstrap_p, percentile_interval, sample_interval
from polarity.statistics.permutation import permutation_of_runs
from polarity.statistics.power import rows_needed
from polarity.statistics.randomisation import randomise
from polarity.statistics.resample import resample
from polarity.statistics.score_intervals import mean_f1_interval
from polarity.statistics.seeds import Runs, difference_over_seeds, seed_variance
from polarity.tasks import IGNORE_INDEX, Task
from tests.statistics.simulated import (
    BASE,
    TASKS,
    better,
    draw_labels,
    draw_systems,
    some_seed,
    true_overall,
)

PAIRS, ROWS, RESAMPLES = 400, 600, 500
LEVEL = 0.05


def pairs(by: float, groups: int = 0) -> Iterator[tuple[Counts, np.ndarray, list[list[np.ndarray]]]]:
    for number in range(PAIRS):
        generator = np.random.default_rng([7, number])
        labels = draw_labels(generator, ROWS)
        systems = draw_systems(generator, labels, [BASE, better(by)])
        cluster = None
        if groups:  # each row several times: what an author or a post does in the extreme
            labels = np.repeat(labels, groups, axis=0)
            systems = [[np.repeat(values, groups) for values in system] for system in systems]
            cluster = np.repeat(np.arange(ROWS), groups)
        yield Counts(TASKS, labels, systems, cluster), labels, systems


def difference(result: Statistics) -> np.ndarray:
    return np.asarray(result.overall[:, 1] - result.overall[:, 0])


def holds(truth: float, counts: Counts, observed: float, drawn: np.ndarray) -> bool:
    interval = sample_interval(observed, drawn, counts, lowest=-1.0)
    return interval is not None and truth in interval


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "groups"),
    [(0.05, 0), (0.0, 0), (0.0, 3), (0.05, 3)],
)
def test_intervals_of_differences_cover_the_truth(by: float, groups: int) -> None:
    truth = true_overall(better(by)) - true_overall(BASE)
    held = [
        holds(truth, counts, difference(counts.observed())[0], difference(resample(counts, RESAMPLES, number)))
        for number, (counts, _, _) in enumerate(pairs(by, groups))
    ]
    assert 0.93 <= np.mean(held) <= 0.97


@pytest.mark.slow
def test_intervals_of_scores_cover_the_truth() -> None:
    held = [
        true_overall(BASE) in percentile_interval(resample(counts, RESAMPLES, number).overall[:, 0])
        for number, (counts, _, _) in enumerate(pairs(0.0))
    ]
    assert 0.93 <= np.mean(held) <= 0.97


def rejections(by: float) -> dict[str, float]:
    result: dict[str, list[bool]] = {"bootstrap": [], "randomisation": [], "McNemar": []}
    for number, (counts, labels, systems) in enumerate(pairs(by)):
        result["bootstrap"].append(bootstrap_p(difference(resample(counts, RESAMPLES, number))) < LEVEL)
        result["randomisation"].append(float(randomise(counts, [(0, 1)], RESAMPLES, number).overall[0]) < LEVEL)
        known = labels[:, 0] != IGNORE_INDEX
        first, second = (system[0][known] for system in systems)
        result["McNemar"].append(mcnemar(labels[known, 0], first, second).p < LEVEL)
    return {name: float(np.mean(values)) for name, values in result.items()}


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_promised() -> None:
    result = rejections(0.0)
    assert 0.02 <= result["bootstrap"] <= 0.075
    assert 0.02 <= result["randomisation"] <= 0.075
    assert 0.01 <= result["McNemar"] <= 0.065, "exact, so rather below the level"


@pytest.mark.slow
def test_a_true_difference_is_found() -> None:
    result = rejections(0.06)
    assert result["bootstrap"] >= 0.75
    assert result["randomisation"] >= 0.75
    assert result["McNemar"] >= 0.65


def seed_groups(counts_of: tuple[int, int], spread: float, by: float, rows: int) -> Iterator[tuple[Runs, Runs]]:
    first, second = counts_of
    for number in range(PAIRS):
        generator = np.random.default_rng([11, number])
        labels = draw_labels(generator, rows)
        recalls = [some_seed(generator, BASE, spread) for _ in range(first)]
        recalls += [some_seed(generator, better(by), spread) for _ in range(second)]
        counts = Counts(TASKS, labels, draw_systems(generator, labels, recalls))
        observed, drawn = counts.observed().overall[0], resample(counts, 200, number).overall
        yield Runs(observed[:first], drawn[:, :first]), Runs(observed[first:], drawn[:, first:])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seeds", "spread"),
    [
        ((3, 3), 0.03),
        ((5, 5), 0.0),
        ((5, 5), 0.03),
        ((3, 1), 0.03),
    ],
)
def test_seeds_of_one_configuration_are_not_called_different(seeds: tuple[int, int], spread: float) -> None:
    collected = [
        difference_over_seeds(a, b, ROWS, seed_variance([a, b])) for a, b in seed_groups(seeds, spread, 0.0, ROWS)
    ]
    assert np.mean([estimate.p < LEVEL for estimate in collected]) <= 0.065
    held = np.mean([0.0 in estimate.interval() for estimate in collected])
    assert held >= 0.935, "seeds without any spread make it wider than it need be, never narrower"
    if spread:
        assert held <= 0.985
        rows_alone = [abs(estimate.value) > 1.96 * np.sqrt(estimate.rows) for estimate in collected]
        assert np.mean(rows_alone) > 0.25, "what reading a difference of seeds as a cause comes to"


@pytest.mark.slow
def test_a_true_difference_of_configurations_is_found_over_seeds() -> None:
    groups = list(seed_groups((5, 5), 0.01, 0.06, ROWS))
    truth = true_overall(better(0.06)) - true_overall(BASE)
    collected = [difference_over_seeds(a, b, ROWS, seed_variance([a, b])) for a, b in groups]
    assert np.mean([estimate.p < LEVEL for estimate in collected]) >= 0.9
    assert np.mean([truth in estimate.interval() for estimate in collected]) >= 0.93
    assert np.mean([permutation_of_runs(a.observed, b.observed) < LEVEL for a, b in groups[:60]]) >= 0.8


@pytest.mark.slow
def test_permutation_of_runs_has_its_level() -> None:
    groups = list(seed_groups((5, 5), 0.03, 0.0, 200))
    p_values = [permutation_of_runs(a.observed, b.observed) for a, b in groups]
    assert 0.015 <= np.mean(np.array(p_values) < LEVEL) <= 0.065


@pytest.mark.slow
def test_the_rows_that_are_said_to_be_needed_are_enough() -> None:
    generator = np.random.default_rng(3)
    by, rows = 0.06, 5000
    labels = draw_labels(generator, rows)
    counts = Counts(TASKS, labels, draw_systems(generator, labels, [BASE, better(by)]))
    observed, drawn = counts.observed().overall[0], resample(counts, 1000, 0).overall
    sides = [Runs(observed[[side]], drawn[:, [side]]) for side in (0, 1)]
    estimate = difference_over_seeds(sides[0], sides[1], rows, None)
    needed = rows_needed(estimate, rows, true_overall(better(by)) - true_overall(BASE))
    assert needed is not None
    collected = []
    for number in range(PAIRS):
        generator = np.random.default_rng([13, number])
        labels = draw_labels(generator, needed)
        counts = Counts(TASKS, labels, draw_systems(generator, labels, [BASE, better(by)]))
        collected.append(bootstrap_p(difference(resample(counts, RESAMPLES, number))) < LEVEL)
    assert 0.74 <= np.mean(collected) <= 0.86


@pytest.mark.slow
@pytest.mark.parametrize(("classes", "rows", "right"), [(200, 1000, 0.7), (100, 500, 0.8), (20, 400, 0.6)])
def test_intervals_of_scores_of_many_small_classes_hold_the_truth(classes: int, rows: int, right: float) -> None:
    """Mistakes go to all other classes alike, so that precision, recall and F1 of each class are ``right``."""
    task, held = Task("topic", tuple(map(str, range(classes))), "topic"), []
    for number in range(60):
        generator = np.random.default_rng([11, number])
        labels = generator.permutation(np.arange(rows) % classes)
        other = (labels + generator.integers(1, classes, rows)) % classes
        counts = Counts([task], labels[:, None], [[np.where(generator.random(rows) < right, labels, other)]])
        drawn = resample(counts, 400, number)
        interval = mean_f1_interval(counts, counts.observed(), drawn, 0, 0, confidence=0.95)
        held.append(interval is not None and right in interval)
    assert np.mean(held) >= 0.88
