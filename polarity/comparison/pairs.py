"""Two groups with their difference and its tests, and Holm's correction of the tests of all pairs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from polarity.comparison.grouping import Group
from polarity.comparison.result import TestResult
from polarity.statistics.holm import holm
from polarity.statistics.interval import Interval
from polarity.statistics.seeds import Runs, SeedEstimate


@dataclass(frozen=True)
class Pair:
    """Two groups. Differences are second minus first.

    :param tests: the first of them decides the verdict.
    :param equal: the test that the difference reaches the margin.
    :param level: of a single test at the first step of Holm's correction, (1 - confidence) / pairs.
    :param folds: that the difference is a mean over; 0 where it is one of all rows.
    :param known: whether the rows say anything of others; not where (nearly) all are of one group.
    """

    first: Group
    second: Group
    estimate: SeedEstimate
    interval: Interval
    macro_f1: dict[str, tuple[float, Interval]]
    seeds_included: bool
    runs: tuple[Runs, Runs]
    tests: list[TestResult]
    equal: TestResult
    level: float
    folds: int = 0
    known: bool = True


def corrected(pairs: Sequence[Pair], confidence: float) -> list[Pair]:
    """Holm's correction over all pairs, for one question at a time.

    The tests that decide the verdicts are one family, so that the chance of even one false verdict stays below the
    level. Each further test is a family of its own over the pairs: it decides nothing, and would only take power away.
    """
    families: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for row, pair in enumerate(pairs):
        for column, test in enumerate(pair.tests):
            families.setdefault((test.name, test.about) if column else (), []).append((row, column))
    tests = [list(pair.tests) for pair in pairs]
    for places in families.values():
        values = holm([tests[row][column].p for row, column in places])
        for (row, column), value in zip(places, values, strict=True):
            tests[row][column] = replace(tests[row][column], corrected=value)
    equal = holm([pair.equal.p for pair in pairs])
    return [
        replace(pair, tests=own, equal=replace(pair.equal, corrected=value), level=(1 - confidence) / len(pairs))
        for pair, own, value in zip(pairs, tests, equal, strict=True)
    ]


def single_test(name: str, about: str, p: float) -> TestResult:
    return TestResult(name, about, p, p)
