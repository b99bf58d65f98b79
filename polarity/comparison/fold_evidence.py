"""The evidence of cross-validations on the same folds: differences are paired by fold."""

from collections.abc import Sequence
from dataclasses import replace

from polarity.comparison.evidence import EQUIVALENCE, Evidence
from polarity.comparison.grouping import Group
from polarity.comparison.pairs import Pair, corrected, single_test
from polarity.statistics.counts import Counts
from polarity.statistics.fold_scores import FoldScores, interval_of_folds
from polarity.statistics.interval import NO_DIFFERENCE_KNOWN, Interval
from polarity.wording import points

CORRECTED_RESAMPLED = "corrected resampled t-test"


class FoldEvidence(Evidence):
    """As :class:`Evidence`, with intervals and tests over folds in the place of those over rows.

    Runs of one configuration with several seeds count as their mean in each fold.
    """

    def interval(self, number: int) -> Interval:
        """Of the overall score of one system."""
        return (None if self.one_group() else self._of_folds([number])) or super().interval(number)

    def group_interval(self, group: Group, task: int | None = None) -> Interval:
        """Of a group's mean overall score, or macro-F1 of one task."""
        return (None if self.one_group(task) else self._of_folds(group.members, task)) or super().group_interval(
            group, task
        )

    def _of_folds(self, members: Sequence[int], task: int | None = None) -> Interval | None:
        """None where all folds have the same score."""
        name = None if task is None else self.aligned.tasks[task].name
        return interval_of_folds(self._scores(members), self.counts, members, name, self.confidence)

    def _all_decisions(self) -> tuple[Counts, list[list[int]]]:
        """Those of all repeats, each of which has decided all rows: the score of a group is the mean over them."""
        aligned = self.aligned
        made = [(number, one) for number in range(len(self.systems)) for one, _ in aligned.repeats(number)]
        counts = Counts(aligned.tasks, aligned.labels, [one for _, one in made], aligned.cluster)
        return counts, [[n for n, (by, _) in enumerate(made) if by in group.members] for group in self.groups]

    def pairs(self, groups: Sequence[Group]) -> list[Pair]:
        """All pairs but those of two baselines, with their tests corrected for all pairs."""
        return corrected([self._by_folds(first, second) for first, second in self._to_compare(groups)], self.confidence)

    def _scores(self, members: Sequence[int]) -> FoldScores:
        found = [folds for number in members if (folds := self.systems[number].folds) is not None]
        return FoldScores.mean(found).only([task.name for task in self.labelled])

    def _by_folds(self, first: Group, second: Group) -> Pair:
        ours, theirs = self._scores(first.members), self._scores(second.members)
        found = theirs.minus(ours, hidden=self._hidden(first, second))
        of_tasks = {
            task.name: self._of_task(first, second, self.aligned.tasks.index(task), theirs, ours)
            for task in self.labelled
        }
        interval = found.interval(self.confidence)
        if not found.rows:  # all folds differ by the same: what other rows may change is known from the rows alone
            interval = self._pair(first, second, 1.0 if self.seeds() is None else None).interval
            found = replace(found, hidden=interval.error(self.confidence))
        known = not self.one_group()
        return Pair(
            first,
            second,
            found,
            interval if known else NO_DIFFERENCE_KNOWN,
            of_tasks,
            seeds_included=True,
            runs=(self._runs(first), self._runs(second)),
            tests=[single_test(CORRECTED_RESAMPLED, "overall", found.p if known else 1.0)],
            equal=single_test(EQUIVALENCE, f"within {points(self.margin)}", self._equal(found, interval)),
            level=1.0,
            folds=len(ours.values()),
            known=known,
        )

    def _of_task(
        self, first: Group, second: Group, task: int, theirs: FoldScores, ours: FoldScores
    ) -> tuple[float, Interval]:
        found = theirs.minus(ours, self.aligned.tasks[task].name, self._hidden(first, second, task))
        if not found.rows or self.one_group(task):  # what other rows may change is known from the rows alone
            return found.value, self._task(first, second, task)[1]
        return found.value, found.interval(self.confidence)
