"""The sentence says what the numbers say, in every case."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from polarity.comparison.grouping import Group
from polarity.comparison.pairs import Pair
from polarity.comparison.result import Shortlist, TestResult
from polarity.comparison.sentence import pair_sentence, verdict
from polarity.statistics.counts import Counts
from polarity.statistics.interval import Interval
from polarity.statistics.power import POWER, rows_needed
from polarity.statistics.seeds import Runs, SeedEstimate, SeedVariance
from polarity.statistics.unseen import hidden_error
from polarity.tasks import Task


def runs(count: int, *, fixed: bool = False) -> Runs:
    scores = np.linspace(0.5, 0.5 + 0.001 * (count - 1), count)
    return Runs(scores, np.broadcast_to(scores, (50, count)), fixed)


def pair(
    value: float, low: float, high: float, p: float, sides: tuple[Runs, Runs], *, rows: float = 1e-4, equal: float = 1.0
) -> Pair:
    known = max(side.count for side in sides) > 1
    test = TestResult("approximate randomisation", "overall", p, p)
    return Pair(
        Group("A", [0], []), Group("B", [1], []), SeedEstimate(value, rows, 1e6), Interval(low, high), {}, known,
        sides, [test], TestResult("two one-sided tests", "within 1 point", equal, equal), 0.05,
    )  # fmt: skip


def test_the_better_one_comes_first() -> None:
    sides = (runs(5), runs(5))
    better = pair(0.014, 0.003, 0.025, 0.004, sides)
    assert pair_sentence(better, 1000, 0.95) == (
        "B is better than A by 1.4 points, interval 0.3 to 2.5, p = 0.004 after correction "
        "(over rows, and over 5 seeds)"
    )
    worse = pair(-0.014, -0.025, -0.003, 0.004, sides)
    assert pair_sentence(worse, 1000, 0.95).startswith("A is better than B by 1.4 points, interval 0.3 to 2.5")
    assert (verdict(better, 0.95), verdict(worse, 0.95)) == ("better", "worse")


def test_no_evidence_says_what_it_would_take() -> None:
    unclear = pair(0.002, -0.009, 0.012, 0.7, (runs(1), runs(1)))
    assert pair_sentence(unclear, 1000, 0.95) == (
        "no evidence of a difference between these two runs, A and B: interval -0.9 to 1.2 "
        "(the second minus the first); about 7,800 rows would be "
        "needed to see 1 point with a power of 80 % (one run each: what another seed would change is not in the "
        "interval, so it says nothing of the configurations)"
    )
    over_seeds = pair(0.002, -0.009, 0.012, 0.7, (runs(3), runs(3)), rows=9e-6)
    assert "a difference of 1 point would have been seen" in pair_sentence(over_seeds, 1000, 0.95)


@pytest.mark.parametrize(
    ("sides", "says"),
    [
        ((runs(3), runs(5)), "(over rows, and over 3 and 5 seeds)"),
        ((runs(3), runs(1)), "(over rows, and over 3 seeds; B has one, and is taken to vary as the others do)"),
        ((runs(3), runs(1, fixed=True)), "(over rows, and over 3 seeds)"),
        (
            (runs(1), runs(1, fixed=True)),
            "is not in the interval, so it says nothing of the configuration)",
        ),
    ],
)
def test_it_says_which_seeds_are_in_the_interval(sides: tuple[Runs, Runs], says: str) -> None:
    assert pair_sentence(pair(0.02, 0.01, 0.03, 0.001, sides), 1000, 0.95).endswith(says)


def test_what_correction_takes_away_is_said() -> None:
    result = pair(0.02, 0.001, 0.04, 0.3, (runs(1), runs(1)))
    assert verdict(result, 0.95) == "unclear"
    told = "interval 0.1 to 4.0 (the second minus the first), but p = 0.300"
    assert f"{told}; " in pair_sentence(result, 1000, 0.95)
    assert f"{told} after correction for all pairs; " in pair_sentence(replace(result, level=0.05 / 3), 1000, 0.95)
    assert verdict(replace(result, tests=[TestResult("", "", 0.01, 0.01)]), 0.95) == "better"


def test_equal_is_said_only_where_it_was_shown() -> None:
    close = pair(0.001, -0.004, 0.006, 0.6, (runs(5), runs(5)), equal=0.01)
    assert verdict(close, 0.95) == "equal"
    assert pair_sentence(close, 1000, 0.95) == (
        "A and B are equal within 1 point: interval -0.4 to 0.6 "
        "(the second minus the first), p = 0.010 after correction "
        "(over rows, and over 5 seeds)"
    )
    single = pair(0.001, -0.004, 0.006, 0.6, (runs(1), runs(1)), equal=0.01)
    assert "A and B are equal within 0.5 points in these two runs" in pair_sentence(single, 1000, 0.95, 0.005)
    assert verdict(pair(0.008, 0.002, 0.014, 0.01, (runs(5), runs(5)), equal=0.04), 0.95) == "better"


def test_the_power_is_that_of_all_pairs() -> None:
    of_45 = replace(pair(0.002, -0.009, 0.012, 0.7, (runs(1), runs(1))), level=0.05 / 45)
    assert "with a power of 80 %, corrected for 45 pairs (level 0.05 / 45, Holm's first step)" in pair_sentence(
        of_45, 1000, 0.95
    )


def test_seeds_are_a_range() -> None:
    seeds = SeedVariance(1e-4, 0.0, 4)
    unclear = replace(
        pair(0.002, -0.02, 0.02, 0.7, (runs(3), runs(3))), estimate=SeedEstimate(0.002, 1e-7, 800, seeds, 2 / 3, 2)
    )
    assert re.search(r"; \d+ to \d+ seeds each would be needed to see 1 point", pair_sentence(unclear, 800, 0.95))


def test_nothing_is_said_to_be_seen_where_hardly_a_row_tells_two_runs_apart() -> None:
    alike = pair(0.0, -0.019, 0.019, 1.0, (runs(1), runs(1)), rows=0.0)
    said = pair_sentence(alike, 200, 0.95)
    assert "would have been seen" not in said
    assert "at least 1,500 rows would be needed to see 1 point" in said


def test_where_no_row_tells_two_runs_apart_the_number_of_rows_is_the_least() -> None:
    """Of 1 point all rows that are decided otherwise may be for one side, and so many rows seldom have six of them."""
    labels = np.arange(200) % 3
    counts = Counts([Task("tone", ("no", "yes", "both"), "tone")], labels[:, None], [[labels], [labels]])
    found = rows_needed(SeedEstimate(0.0, 0.0, 200, hidden=hidden_error(counts, [0], [1])), 200, 0.01)
    assert found is not None
    assert 200 < found < 600
    assert binom.sf(5, found, 0.01) < 0.5 < POWER < binom.sf(5, 800, 0.01)


@pytest.mark.parametrize("seeds", [False, True])
def test_of_one_seed_each_nothing_is_said_of_other_seeds(seeds: bool) -> None:
    first, recommended = Shortlist(["a"], 3, "a", 0.7, 0.01, seeds=seeds).sentences
    assert ("beyond chance" in first) == seeds
    assert ("says nothing of other seeds" in first) != seeds
    assert recommended.startswith("recommended: a (0.7000)")


def test_seeds_are_asked_of_the_side_that_has_any() -> None:
    seeds = SeedVariance(1e-4, 0.0, 4)
    with_baseline = replace(
        pair(0.002, -0.02, 0.02, 0.7, (runs(3), runs(1, fixed=True))),
        estimate=SeedEstimate(0.002, 1e-7, 800, seeds, 1 / 3, 1),
    )
    assert re.search(r"; \d+ to \d+ seeds of A would be needed", pair_sentence(with_baseline, 800, 0.95))
