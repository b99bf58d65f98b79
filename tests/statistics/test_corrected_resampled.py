"""The corrected resampled estimate: by hand, and as a test that raises no false alarms."""

import numpy as np
import pytest
from scipy.stats import t as student
from scipy.stats import ttest_rel

from benchmarks.folds import CASES, tried
from polarity.statistics.corrected_resampled import corrected_resampled

DIFFERENCES = [0.02, 0.05, -0.01, 0.03, 0.06]


def test_golden_value() -> None:
    result = corrected_resampled(DIFFERENCES, 1 / 4)
    variance = (0.01**2 + 0.02**2 + 0.04**2 + 0.0**2 + 0.03**2) / 4  # around the mean of 0.03
    assert result.value == pytest.approx(0.03)
    assert result.error == pytest.approx(np.sqrt((1 / 5 + 1 / 4) * variance))
    assert result.error == pytest.approx(0.0183711731)
    assert result.freedom == 4
    assert result.p == pytest.approx(2 * student.sf(0.03 / 0.0183711731, 4))
    assert result.p == pytest.approx(0.1778077, abs=1e-6)
    assert (result.interval().low, result.interval().high) == pytest.approx((-0.0210066, 0.0810066), abs=1e-6)


def test_without_training_rows_in_common_it_is_students_paired_test() -> None:
    first, second = np.array([0.5, 0.6, 0.7, 0.4]), np.array([0.55, 0.58, 0.8, 0.45])
    assert corrected_resampled(second - first, 0.0).p == pytest.approx(ttest_rel(second, first).pvalue)


def test_the_estimate_may_be_another_than_the_mean() -> None:
    around, mean = corrected_resampled(DIFFERENCES, 1 / 4, 0.1), corrected_resampled(DIFFERENCES, 1 / 4)
    assert around.value == 0.1
    assert (around.error, around.freedom) == (mean.error, mean.freedom)


@pytest.mark.parametrize("folds", [2, 3, 5, 10])
@pytest.mark.parametrize("value", [0.1, 1 / 3, 0.898989898989899, 0.7])
def test_folds_that_are_equal_but_for_rounding_leave_no_error(folds: int, value: float) -> None:
    values = np.mean([np.full(folds, value), np.nextafter(np.full(folds, value), 1.0)], axis=0)
    values[0] += 1e-16
    assert corrected_resampled(values, 1 / (folds - 1)).error == 0


@pytest.mark.slow
def test_false_alarms_stay_at_the_level() -> None:
    case = next(case for case in CASES if (case.rows, case.folds, case.repeats) == (200, 5, 2))
    result = tried(case, 150)
    assert result.corrected <= 0.10
    assert result.naive > 2 * result.corrected
    assert result.around_pooled >= 0.88
