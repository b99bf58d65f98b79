"""Differences, intervals and tests of every pair of groups, before any of it is put into words."""

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri  # the quantile of the normal distribution

from polarity.comparison.align import Aligned
from polarity.comparison.grouping import Group
from polarity.comparison.load import System
from polarity.comparison.pairs import Pair, corrected, single_test
from polarity.comparison.result import Chosen, Shortlist, TestResult
from polarity.statistics.counts import Counts, Statistics
from polarity.statistics.equivalence import equivalence_p
from polarity.statistics.groups import FEWEST
from polarity.statistics.holm import holm
from polarity.statistics.interval import NO_DIFFERENCE_KNOWN, UNKNOWN, Interval
from polarity.statistics.mcnemar import mcnemar
from polarity.statistics.percentile import sample_interval, sample_p
from polarity.statistics.permutation import permutation_of_runs, smallest_p
from polarity.statistics.randomisation import randomise
from polarity.statistics.resample import resample
from polarity.statistics.score_intervals import mean_f1_interval
from polarity.statistics.seeds import (
    Runs,
    SeedEstimate,
    SeedVariance,
    difference_over_seeds,
    mean_over_seeds,
    seed_variance,
)
from polarity.statistics.selection import select_best
from polarity.statistics.unseen import hidden_error, score_reach, wider
from polarity.tasks import IGNORE_INDEX
from polarity.wording import points

ROWS_AND_SEEDS, RANDOMISATION = "rows and seeds", "approximate randomisation"
BOOTSTRAP, MCNEMAR, PERMUTATION = "paired bootstrap", "McNemar", "permutation of runs"
JACKKNIFE = "jackknife over groups"
EQUIVALENCE = "two one-sided tests"


class Evidence:
    """All that is computed from the rows, once: the same resamples serve every system and every pair.

    :param resamples: of the bootstrap, and swaps of the randomisation.
    :param margin: differences of overall macro-F1 below it do not matter.
    """

    def __init__(
        self,
        systems: Sequence[System],
        groups: Sequence[Group],
        aligned: Aligned,
        *,
        resamples: int,
        confidence: float,
        seed: int,
        margin: float = 0.01,
    ) -> None:
        self.systems, self.groups, self.aligned = systems, groups, aligned
        self.confidence, self.seed, self.margin = confidence, seed, margin
        self.resamples = resamples
        self.counts = Counts(aligned.tasks, aligned.labels, aligned.decided, aligned.cluster)
        self.drawn = resample(self.counts, resamples, seed)
        self.observed = self.counts.observed()
        self._seeds = dict[tuple[int | None, bool], SeedVariance | None]()
        self.labelled = [task for task, known in zip(aligned.tasks, self.counts.labelled, strict=True) if known]

    def one_group(self, task: int | None = None) -> bool:
        """Whether (nearly) all labels of a task, or of any, are of one group: there is no interval and no verdict."""
        freedom = self.counts.freedom(task)
        return freedom is not None and freedom < FEWEST

    def interval(self, number: int) -> Interval:
        """Of the overall score of one system, over rows."""
        return self._over_rows(number)

    def group_interval(self, group: Group, task: int | None = None) -> Interval:
        """Of a group's mean overall score, or macro-F1 of one task: over rows, and over seeds if it has several."""
        runs = self._runs(group, task)
        if runs.count == 1:
            return self._over_rows(group.members[0], task)
        if self.one_group(task):
            return UNKNOWN
        found = mean_over_seeds(runs, self.counts.effective_units(task), self.seeds(task))
        return self._with_unseen(found.interval(self.confidence, lowest=0.0), found.value, group, task)

    def _with_unseen(self, interval: Interval, value: float, group: Group, task: int | None = None) -> Interval:
        """The interval of a group's mean score, and what classes may hide of which all or none are right."""
        reach = score_reach(self.counts, group.members, task, confidence=self.confidence)
        return wider(interval, value, reach) or UNKNOWN

    def seeds(self, task: int | None = None, *, accuracy: bool = False) -> SeedVariance | None:
        """What all configurations together tell of the seed; None if each has but one."""
        asked = task, accuracy
        if asked not in self._seeds:
            self._seeds[asked] = seed_variance([self._runs(group, task, accuracy=accuracy) for group in self.groups])
        return self._seeds[asked]

    def _over_rows(self, number: int, task: int | None = None) -> Interval:
        found = mean_f1_interval(self.counts, self.observed, self.drawn, number, task, confidence=self.confidence)
        return found or UNKNOWN

    def chosen(self) -> Chosen:
        """The group with the highest score, and what it is worth on rows that it was not chosen on."""
        units, seeds = self.counts.effective_units(), self.seeds()
        between = [mean_over_seeds(self._runs(group), units, seeds).between for group in self.groups]
        counts, decisions = self._all_decisions()
        found = select_best(counts, decisions, between=between, seed=self.seed)
        group = self.groups[found.number]
        interval = found.interval(self.group_interval(group))
        corrected = None if self.one_group() else found.corrected
        return Chosen(group.name, found.of, found.score, corrected, interval, found.equal)

    def _all_decisions(self) -> tuple[Counts, list[list[int]]]:
        """What each group has decided, and the numbers of its systems there."""
        return self.counts, [group.members for group in self.groups]

    def shortlist(self) -> Shortlist:
        """What cannot be told apart from the group with the highest score, and the first group within one error of it.

        Differences to the best are tested over rows, and over seeds where there are several, and corrected by Holm for
        their number. One standard error of the best score is the rule of Breiman et al., Classification and Regression
        Trees, 1984: among what is as good, the simplest is the one that was asked for first.
        """
        units, seeds = self.counts.effective_units(), self.seeds()
        means = [mean_over_seeds(self._runs(group), units, seeds) for group in self.groups]
        best = max(range(len(means)), key=lambda number: means[number].value)
        others = [number for number in range(len(means)) if number != best]
        behind = [self._difference(self.groups[n], self.groups[best]).p for n in others]
        apart = [value < 1 - self.confidence for value in holm(behind)]
        tied = [best, *(n for n, differs in zip(others, apart, strict=True) if not differs or self.one_group())]
        error = None if self.one_group() else self._error(self.groups[best], means[best])
        within = 1.0 if error is None else error
        first = min(number for number in tied if means[number].value >= means[best].value - within)
        return Shortlist(
            [self.groups[number].name for number in sorted(tied)],
            len(means),
            self.groups[first].name,
            means[first].value,
            error,
            seeds=self.seeds() is not None,
        )

    def _error(self, group: Group, mean: SeedEstimate) -> float:
        """Standard error of a score, with what classes may hide that are all right here."""
        below = score_reach(self.counts, group.members, confidence=self.confidence)[0]
        return float(np.hypot(mean.error, below / ndtri((1 + self.confidence) / 2)))

    def pairs(self, groups: Sequence[Group]) -> list[Pair]:
        """All pairs but those of two baselines, with their tests corrected for all pairs."""
        chosen = self._to_compare(groups)
        single = chosen if self.seeds() is None else []
        numbers = [(a.members[0], b.members[0]) for a, b in single]
        swapped = randomise(self.counts, numbers, self.resamples, self.seed) if numbers else None
        p_swaps = {} if swapped is None else dict(zip(numbers, swapped.overall.tolist(), strict=True))
        return corrected(
            [self._pair(a, b, p_swaps.get((a.members[0], b.members[0]))) for a, b in chosen], self.confidence
        )

    def _to_compare(self, groups: Sequence[Group]) -> list[tuple[Group, Group]]:
        return [
            (first, second)
            for number, second in enumerate(groups)
            for first in groups[:number]
            if not (self._fixed(first) and self._fixed(second))
        ]

    def _fixed(self, group: Group) -> bool:
        return any(self.systems[number].kind == "baseline" for number in group.members)

    def _runs(self, group: Group, task: int | None = None, *, accuracy: bool = False) -> Runs:
        def values(statistics: Statistics) -> np.ndarray:
            if task is None:
                return statistics.overall[:, group.members]
            return (statistics.accuracy if accuracy else statistics.macro_f1)[:, group.members, task]

        return Runs(values(self.observed)[0], values(self.drawn), fixed=self._fixed(group))

    def _pair(self, first: Group, second: Group, p_swaps: float | None) -> Pair:
        estimate, runs, other = self._difference(first, second), self._runs(first), self._runs(second)
        interval = NO_DIFFERENCE_KNOWN
        if p_swaps is None:
            interval = interval if self.one_group() else estimate.interval(self.confidence)
            tests = self._tests_over_seeds(estimate, first, second)
        else:
            drawn = other.drawn[:, 0] - runs.drawn[:, 0]
            hidden = estimate.hidden
            found = sample_interval(estimate.value, drawn, self.counts, self.confidence, lowest=-1.0, hidden=hidden)
            interval = found or interval
            by_interval = sample_p(estimate.value, drawn, self.counts, hidden=hidden)
            swaps = single_test(RANDOMISATION, "overall", p_swaps)
            # among 2^groups swaps of whole groups hardly one is rare enough, however far apart two systems are
            if self.aligned.cluster is None:
                own = self._mcnemar(first.members[0], second.members[0])
                tests = [swaps, single_test(BOOTSTRAP, "overall", by_interval), *own]
            else:
                tests = [single_test(JACKKNIFE, "overall", by_interval), swaps]
        if self.one_group():  # it cannot say how it would be in another
            tests = [single_test(test.name, test.about, 1.0) for test in tests]
        by_task = {task.name: self._task(first, second, self.aligned.tasks.index(task)) for task in self.labelled}
        equal = single_test(EQUIVALENCE, f"within {points(self.margin)}", self._equal(estimate, interval))
        return Pair(
            first, second, estimate, interval, by_task, p_swaps is None, (runs, other), tests, equal, 1.0,
            known=not self.one_group(),
        )  # fmt: skip

    def _equal(self, estimate: SeedEstimate, interval: Interval) -> float:
        """Where no row tells two systems apart, the interval's width stands for what others may."""
        if self.one_group():
            return 1.0
        error, freedom = estimate.error, estimate.freedom
        if error == 0:
            error = interval.error(self.confidence)
        return equivalence_p(estimate.value, error, freedom, self.margin)

    def _difference(
        self, first: Group, second: Group, task: int | None = None, *, accuracy: bool = False
    ) -> SeedEstimate:
        ours, theirs = (self._runs(group, task, accuracy=accuracy) for group in (first, second))
        units, seeds = self.counts.effective_units(task), self.seeds(task, accuracy=accuracy)
        hidden = 0.0 if accuracy else self._hidden(first, second, task)
        return difference_over_seeds(ours, theirs, units, seeds, hidden=hidden)

    def _hidden(self, first: Group, second: Group, task: int | None = None) -> float:
        return hidden_error(self.counts, first.members, second.members, task, confidence=self.confidence)

    def _task(self, first: Group, second: Group, task: int) -> tuple[float, Interval]:
        found = self._difference(first, second, task)
        if self.one_group(task):
            return found.value, NO_DIFFERENCE_KNOWN
        if self.seeds() is not None:
            return found.value, found.interval(self.confidence)
        drawn = self._runs(second, task).drawn[:, 0] - self._runs(first, task).drawn[:, 0]
        interval = sample_interval(
            found.value, drawn, self.counts, self.confidence, task=task, lowest=-1.0, hidden=found.hidden
        )
        return found.value, interval or NO_DIFFERENCE_KNOWN

    def _mcnemar(self, first: int, second: int) -> list[TestResult]:
        tests = []
        for t, task in enumerate(self.aligned.tasks):
            known = self.aligned.labels[:, t] != IGNORE_INDEX
            ours, theirs = (self.aligned.decided[number][t][known] for number in (first, second))
            if known.any():
                tests.append(
                    single_test(
                        MCNEMAR, f"errors in {task.name}", mcnemar(self.aligned.labels[known, t], ours, theirs).p
                    )
                )
        return tests

    def _tests_over_seeds(self, estimate: SeedEstimate, first: Group, second: Group) -> list[TestResult]:
        tests = [single_test(ROWS_AND_SEEDS, "overall", estimate.p)]
        for task in self.labelled:
            number = self.aligned.tasks.index(task)
            errors = self._difference(first, second, number, accuracy=True)
            tests.append(single_test(ROWS_AND_SEEDS, f"errors in {task.name}", errors.p))
        ours, theirs = self._runs(first), self._runs(second)
        reachable = smallest_p(ours.count, theirs.count) <= 1 - self.confidence
        if reachable and not (ours.fixed or theirs.fixed):
            p = permutation_of_runs(ours.observed, theirs.observed, seed=self.seed)
            tests.append(single_test(PERMUTATION, "overall", p))
        return tests
