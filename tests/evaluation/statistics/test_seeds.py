"""Means over seeds, and what it would take to see a point."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from polarity.evaluation.statistics.permutation import permutation_of_runs, smallest_p
from polarity.evaluation.statistics.power import rows_needed, seeds_needed
from polarity.evaluation.statistics.seeds import Estimate, Runs, difference_over_seeds, mean_over_seeds, seeds_known

UNITS = 1000


def runs(scores: list[float], *, rows: float = 0.0, own: float = 0.0, fixed: bool = False, seed: int = 0) -> Runs:
    """Runs whose resamples vary together by ``rows``, and each by ``own``."""
    generator = np.random.default_rng(seed)
    together = np.random.default_rng(99).normal(size=(4000, 1)) * rows
    drawn = np.array(scores) + together + generator.normal(size=(4000, len(scores))) * own
    return Runs(np.array(scores), drawn, fixed)


def test_without_variance_of_rows_it_is_welchs_test() -> None:
    first, second = [0.5, 0.52, 0.49, 0.53], [0.55, 0.58, 0.51]
    found = difference_over_seeds(runs(first), runs(second), UNITS)
    oracle = ttest_ind(second, first, equal_var=False)
    assert found.p == pytest.approx(oracle.pvalue)
    assert found.freedom == pytest.approx(oracle.df)
    reach = oracle.confidence_interval(0.95)
    assert (found.interval().low, found.interval().high) == pytest.approx((reach.low, reach.high))


def test_what_rows_decide_between_runs_counts_once() -> None:
    generator = np.random.default_rng(1)
    scores = list(0.5 + 0.02 * generator.normal(size=400))
    found = mean_over_seeds(runs(scores, rows=0.01, own=0.02), UNITS)
    assert found.rows + found.between == pytest.approx(0.01**2 + 0.02**2 / 400, rel=0.15)
    assert found.between < 0.2 * 0.02**2 / 400


def test_a_single_run_borrows_the_spread_of_the_other_configuration() -> None:
    several, single = [0.5, 0.54, 0.46], [0.6]
    found = difference_over_seeds(runs(several), runs(single), UNITS)
    variance = np.var(several, ddof=1)
    assert found.error == pytest.approx(np.sqrt(variance / 3 + variance))
    assert found.freedom == pytest.approx(2)


def test_a_baseline_has_no_seed() -> None:
    several, baseline = runs([0.5, 0.54, 0.46]), runs([0.6], fixed=True)
    assert difference_over_seeds(several, baseline, UNITS).error == pytest.approx(
        np.std([0.5, 0.54, 0.46], ddof=1) / 3**0.5
    )
    assert seeds_known(several, baseline)
    assert seeds_known(baseline, baseline)
    assert not seeds_known(runs([0.5]), baseline)
    assert not seeds_known(runs([0.5]), runs([0.6]))


def test_equal_runs_are_equal() -> None:
    found = difference_over_seeds(runs([0.5, 0.5]), runs([0.5, 0.5]), UNITS)
    assert (found.value, found.error, found.p) == (0, 0, 1)
    assert difference_over_seeds(runs([0.5, 0.5]), runs([0.6, 0.6]), UNITS).p == 0


def test_permutation_is_exact() -> None:
    assert permutation_of_runs(np.array([1.0, 2, 3, 4]), np.array([5.0, 6, 7, 8])) == pytest.approx(2 / 70)
    assert smallest_p(4, 4) == pytest.approx(2 / 70)
    assert smallest_p(3, 3) == pytest.approx(0.1)
    assert permutation_of_runs(np.array([1.0, 1, 1, 1]), np.array([1.0, 1, 1, 1])) == 1
    assert smallest_p(1, 1) == 1


def test_rows_needed_follow_the_formula() -> None:
    found = Estimate(0.0, rows=0.01**2, between=0.0, interaction=0.0, freedom=999)
    needed = rows_needed(found, 1000, 0.01)
    assert needed is not None
    assert needed == pytest.approx(1000 * (1.959964 + 0.841621) ** 2, rel=1e-3)
    assert rows_needed(found, 1000, 0.02) == pytest.approx(needed / 4, rel=0.01)
    assert rows_needed(Estimate(0.0, 1e-8, 0.01**2, 0.0, 10), 1000, 0.01) is None, "the seeds alone vary too much"


def test_seeds_needed_shrink_the_error_to_what_is_wanted() -> None:
    first, second = runs([0.50, 0.53, 0.47]), runs([0.51, 0.55, 0.49])
    found = difference_over_seeds(first, second, UNITS)
    needed = seeds_needed(found, first, second, 0.01)
    assert needed is not None
    error = np.sqrt((first.variance + second.variance) / needed)
    assert error * (1.96 + 0.8416) == pytest.approx(0.01, rel=0.02)
    varied = (runs([0.50, 0.53], rows=0.01), runs([0.51, 0.55], rows=-0.01))
    assert seeds_needed(difference_over_seeds(*varied, UNITS), *varied, 0.01) is None, "the rows alone vary too much"
    single = (runs([0.5]), runs([0.6]))
    assert seeds_needed(difference_over_seeds(*single, UNITS), *single, 0.01) is None, "nothing is known of the seed"
