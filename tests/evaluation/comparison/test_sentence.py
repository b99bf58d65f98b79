"""The sentence says what the numbers say, in every case."""

from dataclasses import replace

import numpy as np
import pytest

from polarity.evaluation.comparison.evidence import Pair
from polarity.evaluation.comparison.grouping import Group
from polarity.evaluation.comparison.result import TestResult
from polarity.evaluation.comparison.sentence import sentence, verdict
from polarity.evaluation.statistics.interval import Interval
from polarity.evaluation.statistics.seeds import Estimate, Runs


def runs(count: int, *, fixed: bool = False) -> Runs:
    scores = np.linspace(0.5, 0.5 + 0.001 * (count - 1), count)
    return Runs(scores, np.broadcast_to(scores, (50, count)), fixed)


def pair(value: float, low: float, high: float, p: float, sides: tuple[Runs, Runs], *, rows: float = 1e-4) -> Pair:
    known = max(side.count for side in sides) > 1
    test = TestResult("approximate randomisation", "overall", p, p)
    return Pair(
        Group("A", [0], []), Group("B", [1], []), Estimate(value, rows, 0.0, 0.0, 99), Interval(low, high), {}, known,
        sides, [test],
    )  # fmt: skip


def test_the_better_one_comes_first() -> None:
    sides = (runs(5), runs(5))
    better = pair(0.014, 0.003, 0.025, 0.004, sides)
    assert sentence(better, 1000, 0.95) == (
        "B is better than A by 1.4 points, interval 0.3 to 2.5, p = 0.004 after correction "
        "(over rows, and over 5 seeds)"
    )
    worse = pair(-0.014, -0.025, -0.003, 0.004, sides)
    assert sentence(worse, 1000, 0.95).startswith("A is better than B by 1.4 points, interval 0.3 to 2.5")
    assert (verdict(better, 0.95), verdict(worse, 0.95)) == ("better", "worse")


def test_no_evidence_says_what_it_would_take() -> None:
    unclear = pair(0.002, -0.009, 0.012, 0.7, (runs(1), runs(1)))
    assert sentence(unclear, 1000, 0.95) == (
        "no evidence of a difference between A and B: interval -0.9 to 1.2; about 7,800 rows would be needed to see "
        "1 point (one seed each: what another seed would change is not in the interval)"
    )
    over_seeds = pair(0.002, -0.009, 0.012, 0.7, (runs(3), runs(3)), rows=9e-6)
    assert "a difference of 1 point would have been seen" in sentence(over_seeds, 1000, 0.95)


@pytest.mark.parametrize(
    ("sides", "says"),
    [
        ((runs(3), runs(5)), "(over rows, and over 3 and 5 seeds)"),
        ((runs(3), runs(1)), "(over rows, and over 3 seeds; B has one, and is taken to vary as the other does)"),
        ((runs(3), runs(1, fixed=True)), "(over rows, and over 3 seeds)"),
        ((runs(1), runs(1, fixed=True)), "(one seed of A: what another seed would change is not in the interval)"),
    ],
)
def test_it_says_which_seeds_are_in_the_interval(sides: tuple[Runs, Runs], says: str) -> None:
    assert sentence(pair(0.02, 0.01, 0.03, 0.001, sides), 1000, 0.95).endswith(says)


def test_what_correction_takes_away_is_said() -> None:
    found = pair(0.02, 0.001, 0.04, 0.3, (runs(1), runs(1)))
    assert verdict(found, 0.95) == "unclear"
    assert "interval 0.1 to 4.0, but p = 0.300 after correction for all pairs" in sentence(found, 1000, 0.95)
    assert verdict(replace(found, tests=[TestResult("", "", 0.01, 0.01)]), 0.95) == "better"
