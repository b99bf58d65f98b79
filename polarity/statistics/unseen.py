"""What no row at hand shows, though others may: of classes whose F1 is the same in every sample of these rows.

Four rows of a class that are all found, or that two systems decide alike, are alike in every resample, which says
nothing of a fifth. What it may hide is taken from the number of the class's own rows, by Wilson's bound, and added to
what the resamples say as an independent part, in squares (Zou and Donner, Construction of confidence limits about
effect measures, Statistics in Medicine 2008).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri  # the quantile of the normal distribution
from scipy.stats import t as student

from polarity.statistics.class_shares import ClassShares
from polarity.statistics.counts import Counts
from polarity.statistics.groups import FEWEST
from polarity.statistics.interval import UNKNOWN, Interval, Share, f1_of


def score_reach(counts: Counts, systems: Sequence[int], task: int | None = None, *, confidence: float) -> np.ndarray:
    """How far below and above the mean score of some systems might be for what no sample of these rows shows, ``[2]``.

    :param task: whose macro-F1 is meant; None for the overall score.
    """
    return _together(counts, task, lambda number: _reach(counts, systems, number, confidence))


def _reach(counts: Counts, systems: Sequence[int], number: int, confidence: float) -> np.ndarray:
    return np.asarray(np.mean([ClassShares.of(counts, one, number).reach(confidence) for one in systems], axis=0))


def wider(interval: Interval | None, value: float, reach: np.ndarray) -> Interval | None:
    """The interval of a score with further distances below and above, independent of its own."""
    if interval is None:
        return None
    below, above = np.hypot([value - interval.low, interval.high - value], reach)
    below, above = max(below, value - interval.low), max(above, interval.high - value)
    return Interval(max(0.0, value - float(below)), min(1.0, value + float(above)))


def hidden_error(
    counts: Counts, first: Sequence[int], second: Sequence[int], task: int | None = None, *, confidence: float = 0.95
) -> float:
    """Standard error of the difference of two groups of systems that comes from classes which tell nothing apart here.

    A class without any row says nothing, and counts 0 for all: the difference is one of the others.

    :param first: numbers of the systems of one group, the runs of a configuration; ``second`` likewise.
    """
    freedom = counts.freedom(task)
    if freedom is not None and freedom < FEWEST:
        return 0.0
    tail = (1 + confidence) / 2
    quantile = float(ndtri(tail) if freedom is None else student.ppf(tail, freedom))

    def reach(number: int) -> np.ndarray:
        return np.array([_apart(counts, first, second, number, confidence)])

    return float(_together(counts, task, reach)[0]) / quantile


def _apart(counts: Counts, first: Sequence[int], second: Sequence[int], number: int, confidence: float) -> float:
    """How far the F1 of a class may differ on other rows, where its difference is the same in every sample; else 0."""
    if not counts.totals[number]:
        return 0.0
    sides = [_shares(_sums(counts, system, number) for system in side) for side in (first, second)]
    if sides[0] == sides[1]:  # as few have; only then it is worth looking at the rows
        sides = [_shares(_by_row(counts, system, number) for system in side) for side in (first, second)]
        if sides[0] == sides[1]:
            unions = [ClassShares.of(counts, system, number).union for system in first]
            return float(np.mean([_alike_reach(union, confidence) for union in unions]))
    if any(sides[0].get(one) != sides[1].get(one) for one in {*sides[0], *sides[1]} if not one.constant):
        return 0.0
    (below, above), (lower, upper) = (_reach(counts, side, number, confidence) for side in (first, second))
    return float(max(np.hypot(below, upper), np.hypot(above, lower)))


class _Pattern(NamedTuple):
    """What a system makes of a class: equal patterns have the same F1 in each sample.

    :param constant: as :attr:`ClassShares.constant`.
    """

    decided: bytes
    constant: bool


def _sums(counts: Counts, system: int, number: int) -> _Pattern:
    """By the numbers of hits and decisions, which are not equal where rows are not."""
    totals = counts.totals[_columns(counts, system, number)]
    hits, predicted = totals
    return _Pattern(totals.tobytes(), bool(hits in (0, predicted + counts.totals[number] - hits)))


def _by_row(counts: Counts, system: int, number: int) -> _Pattern:
    decided = counts.matrix[:, _columns(counts, system, number)].tobytes()
    return _Pattern(decided, _sums(counts, system, number).constant)


def _columns(counts: Counts, system: int, number: int) -> list[int]:
    """Of hits and decisions."""
    return [block * counts.classes + number for block in (1 + 2 * system, 2 + 2 * system)]


def _shares(patterns: Iterable[_Pattern]) -> dict[_Pattern, Fraction]:
    counted = Counter(patterns)
    return {one: Fraction(count, counted.total()) for one, count in counted.items()}


def _alike_reach(union: Share, confidence: float) -> float:
    """Of none of ``union`` rows being decided in two ways: the share that may be, all to the good or all to the bad."""
    groups = None if union.by_group is None else np.stack([np.zeros_like(union.by_group[1]), union.by_group[1]])
    found = Share(0, union.trials, groups).interval(confidence) or UNKNOWN
    share = union.hits / union.trials
    return max(f1_of(min(1.0, share + found.high)) - f1_of(share), f1_of(share) - f1_of(max(0.0, share - found.high)))


def _together(counts: Counts, task: int | None, reach: Callable[[int], np.ndarray]) -> np.ndarray:
    """Distances of all classes as those of independent parts of a mean."""
    parts = counts.labelled_tasks(task)
    if not parts:
        return np.zeros_like(reach(0))
    squares = []
    for part in parts:
        numbers = range(*counts.slices[part].indices(counts.classes))
        squares.append(np.sum([reach(number) ** 2 for number in numbers], axis=0) / len(numbers) ** 2)
    found: np.ndarray = np.sqrt(np.sum(squares, axis=0)) / len(parts)
    return found
