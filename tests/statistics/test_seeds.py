"""Means over seeds, and what it would take to see a point."""

import numpy as np
import pytest
from scipy.stats import t as student
from scipy.stats import ttest_ind

from polarity.statistics.equivalence import equivalence_p
from polarity.statistics.permutation import permutation_of_runs, smallest_p
from polarity.statistics.power import rows_needed, seeds_needed
from polarity.statistics.seeds import (
    Runs,
    SeedEstimate,
    SeedVariance,
    difference_over_seeds,
    mean_over_seeds,
    seed_variance,
)

UNITS = 1000


def runs(scores: list[float], *, rows: float = 0.0, own: float = 0.0, fixed: bool = False, seed: int = 0) -> Runs:
    """Runs whose resamples vary together by ``rows``, and each by ``own``."""
    generator = np.random.default_rng(seed)
    together = np.random.default_rng(99).normal(size=(4000, 1)) * rows
    drawn = np.array(scores) + together + generator.normal(size=(4000, len(scores))) * own
    return Runs(np.array(scores), drawn, fixed)


def difference(first: Runs, second: Runs, *others: Runs) -> SeedEstimate:
    return difference_over_seeds(first, second, UNITS, seed_variance([first, second, *others]))


def test_without_variance_of_rows_it_is_students_test() -> None:
    first, second = [0.5, 0.52, 0.49, 0.53], [0.55, 0.58, 0.53, 0.57]
    result = difference(runs(first), runs(second))
    oracle = ttest_ind(second, first, equal_var=True)
    assert result.p == pytest.approx(oracle.pvalue)
    assert result.freedom == pytest.approx(oracle.df)
    reach = oracle.confidence_interval(0.95)
    assert (result.interval().low, result.interval().high) == pytest.approx((reach.low, reach.high))


def test_what_rows_decide_between_runs_counts_once() -> None:
    generator = np.random.default_rng(1)
    several = runs(list(0.5 + 0.02 * generator.normal(size=400)), rows=0.01, own=0.02)
    result = mean_over_seeds(several, UNITS, seed_variance([several]))
    assert result.rows + result.between == pytest.approx(0.01**2 + 0.02**2 / 400, rel=0.15)
    assert result.between < 0.2 * 0.02**2 / 400


@pytest.mark.parametrize("count", [2, 5])
def test_what_rows_decide_between_runs_does_not_depend_on_their_number(count: int) -> None:
    assert runs([0.5] * count, rows=0.01, own=0.02).interaction == pytest.approx(0.02**2, rel=0.1)


def test_a_single_run_borrows_the_spread_of_the_others() -> None:
    several, single = [0.5, 0.54, 0.46], [0.6]
    result = difference(runs(several), runs(single))
    variance = np.var(several, ddof=1)
    assert result.error == pytest.approx(np.sqrt(variance / 3 + variance))
    assert result.freedom == pytest.approx(2)
    both = difference(runs([0.5]), runs(single), runs(several))
    assert both.error == pytest.approx(np.sqrt(2 * variance))


def test_few_runs_that_lie_close_by_chance_borrow_the_spread_of_all() -> None:
    equal, others = (runs([0.5, 0.5]), runs([0.52, 0.52])), [runs([0.4, 0.46]), runs([0.6, 0.52])]
    result = difference(*equal, *others)
    pooled = seed_variance([*equal, *others])
    assert pooled is not None
    assert pooled.freedom == 4
    assert result.error == pytest.approx(np.sqrt(pooled.variance))
    assert result.p > 0.2
    wide = difference(*others, *equal)
    assert wide.error > result.error, "those that lie further apart than the others keep their own spread"


def test_degrees_of_freedom_do_not_jump_where_the_spread_is_0_by_chance() -> None:
    seeds = SeedVariance(variance=0.9e-4, interaction=1e-4, freedom=2)
    none = SeedEstimate(0.02, rows=2e-4, units=800, seeds=seeds, share=1.0, sides=2)
    some = SeedEstimate(0.02, rows=2e-4, units=800, seeds=SeedVariance(1.1e-4, 1e-4, 2), share=1.0, sides=2)
    assert none.between == 0 < some.between
    assert none.freedom == pytest.approx(some.freedom, rel=0.06)
    assert none.freedom < 5


def test_the_degrees_of_freedom_are_those_of_the_parts_by_their_shares() -> None:
    seeds = SeedVariance(variance=3e-4, interaction=1e-4, freedom=4)
    result = SeedEstimate(0.02, rows=2e-4, units=11, seeds=seeds, share=0.5, sides=2)
    assert result.between == pytest.approx(1e-4)
    assert result.error == pytest.approx(np.sqrt(3e-4))
    assert result.freedom == pytest.approx(1 / (1 / 2 / 4 + 2 / 3 / 10))  # half the variance is known to 4, 2/3 to 10
    assert result.p == pytest.approx(2 * student.sf(0.02 / np.sqrt(3e-4), result.freedom))
    decided_by_rows = SeedEstimate(0.02, rows=1e-5, units=11, seeds=SeedVariance(1e-4, 1e-4, 4), share=1.0, sides=1)
    assert decided_by_rows.freedom == pytest.approx(1 / (1 / 4 + 1 / 10)), "no part is more than the whole"
    assert SeedEstimate(0.02, rows=2e-4, units=11).freedom == 10
    assert SeedEstimate(0.02, rows=2e-4, units=1).freedom == 1
    assert SeedEstimate(0.02, rows=0.0, units=11, seeds=SeedVariance(0.0, 0.0, 4), share=0.5, sides=2).freedom == 10


def test_between_runs_there_is_no_negative_variance() -> None:
    varied, equal = runs([0.4, 0.6], own=0.3), runs([0.4, 0.4], own=0.3)
    assert seed_variance([equal]) is not None
    for several in ([varied], [equal], [varied, equal]):
        result = mean_over_seeds(several[0], UNITS, seed_variance(several))
        assert result.between >= 0
        assert result.error**2 >= result.rows
    assert mean_over_seeds(equal, UNITS, seed_variance([equal])).between == 0


@pytest.mark.parametrize("value", [-0.98, -0.5, 0.0, 0.03, 0.5, 0.98])
def test_intervals_end_where_scores_and_differences_do(value: float) -> None:
    result = SeedEstimate(value, rows=0.1**2, units=6)
    reach = student.ppf(0.975, 5) * 0.1
    assert result.interval().low == pytest.approx(max(-1, value - reach))
    assert result.interval().high == pytest.approx(min(1, value + reach))
    assert result.interval(0.9, lowest=0.0).low == pytest.approx(max(0, value - student.ppf(0.95, 5) * 0.1))


def test_a_baseline_has_no_seed() -> None:
    several, baseline = runs([0.5, 0.54, 0.46]), runs([0.6], fixed=True)
    assert difference(several, baseline).error == pytest.approx(np.std([0.5, 0.54, 0.46], ddof=1) / 3**0.5)
    assert seed_variance([several, baseline]) == seed_variance([several])
    assert seed_variance([runs([0.5]), baseline, runs([0.6])]) is None


def test_equal_runs_are_equal() -> None:
    result = difference(runs([0.5, 0.5]), runs([0.5, 0.5]))
    assert (result.value, result.error, result.p) == (0, 0, 1)
    assert difference(runs([0.5, 0.5]), runs([0.6, 0.6])).p == 0


def test_permutation_is_exact() -> None:
    assert permutation_of_runs(np.array([1.0, 2, 3, 4]), np.array([5.0, 6, 7, 8])) == pytest.approx(2 / 70)
    assert smallest_p(4, 4) == pytest.approx(2 / 70)
    assert smallest_p(3, 3) == pytest.approx(0.1)
    assert permutation_of_runs(np.array([1.0, 1, 1, 1]), np.array([1.0, 1, 1, 1])) == 1
    assert smallest_p(1, 1) == smallest_p(1, 39) == 1


@pytest.mark.parametrize(("first", "second"), [(2, 2), (2, 5), (3, 3), (3, 4), (4, 4), (2, 8)])
def test_no_runs_have_a_smaller_p_than_the_smallest(first: int, second: int) -> None:
    found = permutation_of_runs(np.arange(first) / 100, 1 + np.arange(second) / 100)
    assert found == pytest.approx(smallest_p(first, second))
    assert smallest_p(first, second) == smallest_p(second, first)


def test_rows_needed_follow_the_formula() -> None:
    result = SeedEstimate(0.0, rows=0.01**2, units=1e5)
    needed = rows_needed(result, 1000, 0.01)
    assert needed is not None
    assert needed == pytest.approx(1000 * (1.959964 + 0.841621) ** 2, rel=1e-3)
    assert rows_needed(result, 1000, 0.02) == pytest.approx(needed / 4, rel=0.01)
    of_45 = rows_needed(result, 1000, 0.01, level=0.05 / 45)
    assert of_45 == pytest.approx(1000 * (3.2608 + 0.841621) ** 2, rel=1e-3)
    varied = SeedEstimate(0.0, 1e-8, 1000, SeedVariance(0.01**2, 0, 10), 1.0, 2)
    assert rows_needed(varied, 1000, 0.01) is None, "the seeds alone vary too much"


def test_seeds_needed_are_a_range_around_what_shrinks_the_error_enough() -> None:
    first, second = runs([0.50, 0.53, 0.47]), runs([0.51, 0.55, 0.49])
    result = difference(first, second)
    needed = seeds_needed(result, 0.01)
    assert needed is not None
    low, high = needed
    plain = (first.variance + second.variance) * (1.96 + 0.8416) ** 2 / 0.01**2
    assert high is not None
    assert low == pytest.approx(plain * 4 / 7.779, rel=0.05)
    assert high == pytest.approx(plain * 4 / 1.064, rel=0.05)
    varied = (runs([0.50, 0.53], rows=0.01), runs([0.51, 0.55], rows=-0.01))
    assert seeds_needed(difference(*varied), 0.01) is None, "the rows alone vary too much"
    assert seeds_needed(difference(runs([0.5]), runs([0.6])), 0.01) is None, "nothing is known of the seed"


def test_seeds_needed_know_how_few_groups_there_are() -> None:
    variance, rows, groups, sought = 4e-4, 2e-5, 4, 0.03

    def reach(seeds: int) -> float:
        total = rows + 2 * variance / seeds
        share = 2 * variance / seeds / total
        freedom = 1 / (share / (2 * (seeds - 1)) + (1 - share) / (groups - 1))
        return float(np.sqrt(total) * (student.ppf(0.975, freedom) + student.ppf(0.8, freedom)))

    estimate = SeedEstimate(0.0, rows, groups, SeedVariance(variance, 0, 10**6), share=1.0, sides=2)
    low, high = seeds_needed(estimate, sought) or (0, 0)
    assert low == high, "a variance that is known is no range"
    assert reach(low) <= sought < reach(low - 1)


def test_equal_is_what_both_one_sided_tests_say() -> None:
    assert equivalence_p(0.002, 0.004, 30, 0.01) == pytest.approx(student.sf(2, 30))
    assert equivalence_p(-0.002, 0.004, 30, 0.01) == pytest.approx(student.sf(2, 30))
    assert equivalence_p(0.02, 0.004, 30, 0.01) > 0.5
