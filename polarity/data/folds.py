"""Cross-validation: training and validation rows cut into folds, each of which is once held out."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np

from polarity.data.corpus import Corpus
from polarity.data.rows import Rows, Splits
from polarity.data.splitting import Split
from polarity.errors import UserError
from polarity.tasks import IGNORE_INDEX
from polarity.wording import times

FEW = 30
"""Validation rows of a class below which its F1 is hardly known: with 30, to 0.2 either way."""
FOLDED = 5_000
"""Rows above which five trainings cost more than they tell."""
ADVISED = 5
"""Folds."""


@dataclass(frozen=True)
class Folds:
    """How rows are folded. Folds are numbered from 1 through all repeats.

    :param number: folds that the rows are cut into.
    :param repeats: how often that is done, each time otherwise.
    """

    number: int
    repeats: int = 1

    @property
    def count(self) -> int:
        """Folds of all repeats, each of which trains a model."""
        return self.number * self.repeats

    def repeat(self, fold: int) -> int:
        """The repeat that a fold belongs to, from 1."""
        return (fold - 1) // self.number + 1

    def seed(self, seed: int, fold: int) -> int:
        """Seed of a fold's training, of a stream of its own.

        :param seed: of the whole.
        """
        return int(np.random.SeedSequence([seed, fold]).generate_state(1)[0])


@dataclass
class FoldedRows:
    """The rows of a corpus that are folded: those that an ordinary run trains and validates on.

    A fold is stratified, and keeps together what belongs together, as :class:`polarity.data.splitting.Split` does:
    rows of one group (``data.group``), and nearly the same texts unless ``data.split.near_duplicates_together`` is
    off. It depends on the rows and ``data.split.seed`` alone, so that runs of any seed and model have the same folds.

    :param splits: of an ordinary run. Its test rows are neither folded nor looked at.
    """

    corpus: Corpus
    splits: Splits
    folds: Folds
    rows: Rows = field(init=False)

    def __post_init__(self) -> None:
        rows = Rows.joined([self.splits.train, self.splits.val])
        self.rows = replace(rows, ids=_unique(rows.ids))
        self._share = len(self.splits.val) / len(self.rows)
        self._split = _keeping_together(self.corpus.split or Split(), self.rows.group)
        near = None if self.corpus.leakage is None else self.corpus.leakage.near_duplicates
        self._groups = self._split.groups(self.rows, near)
        self._made: dict[int, Splits] = {}

    def check(self) -> None:
        """Look whether every fold can be trained and scored.

        :raises UserError: if not; of several folds that are refused, with the problems of the first.
        """
        if problems := self.problems():
            raise UserError(problems)
        for fold in range(1, self.folds.count + 1):
            self.of(fold)

    def problems(self) -> list[str]:
        """A problem if there are too few groups, of any rows or of those of the rarest class, to be in every fold."""
        number = self.folds.number
        groups = len(np.unique(self._groups))
        if groups < number:
            these = f"the {times(len(self.rows), 'row')} are in {times(groups, 'group')}{self._joined(slice(None))}"
            return [f"folds: {these}, too few for {number} folds"]
        of_classes = [
            (len(np.unique(self._groups[rows])), int(rows.sum()), name, task.name, rows)
            for t, task in enumerate(self.splits.tasks)
            for label, name in enumerate(task.classes)
            if (rows := self.rows.labels[:, t] == label).any()
        ]
        there, count, name, task, rows = min(
            of_classes, key=lambda one: one[:-1], default=(2 * number, 0, "", "", slice(0))
        )
        warns, rest = self.corpus.absent_classes == "warn", there - -(-there // number)
        if there >= number and (rest > 1 or warns):  # what is not held out is to be in training and in validation
            return []
        fewest = "a fold trains, validates and scores on some of each class, so that it takes 3; it cannot be folded"
        most = f"folds={there} is the most" if there < number else "folds=3 leaves two to train and validate on"
        most = most if there > 2 else fewest
        together = times(there, "group that stays together", "groups that stay together")
        these = f"its {times(count, 'row is', 'rows are')} in {together}{self._joined(rows)}"
        extent = "few" if there > number else "many"
        return [f"folds: {number} are too {extent} for class {name!r} of task {task!r}: {these}; {most}"]

    def _joined(self, rows: np.ndarray | slice) -> str:
        """What makes these rows fewer groups than they would be as they stand: values of a column, or rows."""
        group = self._split.group
        values = len(set(np.array(self.rows.metadata[group] if group else self.rows.ids, dtype=object)[rows]))
        which = f"{times(values, 'value')} of {group!r}" if group else ""
        if values <= len(np.unique(self._groups[rows])):
            return which and f" ({which})"
        more = which and f"{which}, "
        return f" ({more}joined by nearly equal texts; data.split.near_duplicates_together=false keeps these apart)"

    def of(self, fold: int) -> Splits:
        """A fold as the splits of a run: its rows are the test split.

        The other rows train and validate, in the shares of an ordinary run, so that the rows that choose epoch,
        calibration and decision rule are not those that the fold is scored on.

        :raises UserError: if the corpus refuses such splits.
        """
        if fold in self._made:
            return self._made[fold]
        held_out = self._numbers(self.folds.repeat(fold)) == (fold - 1) % self.folds.number
        others = np.flatnonzero(~held_out)
        within = np.unique(self._groups[others], return_inverse=True)[1]
        rest, shares = self.rows.select(others), (1 - self._share, self._share)
        validates = self._split.allotted(rest, self.splits.tasks, within, shares, f" within fold {fold}") == 1
        parts = [rest.select(np.flatnonzero(~validates)), rest.select(np.flatnonzero(validates))]
        note = f"fold {fold} of {self.folds.count}: the test rows are those that this fold holds out"
        made = Splits(self.splits.tasks, parts[0], parts[1], self.rows.select(np.flatnonzero(held_out)), [note])
        try:
            self._made[fold] = self.corpus.check(made)
        except UserError as error:
            raise UserError(f"folds: fold {fold}: {problem}" for problem in error.problems) from error
        return self._made[fold]

    def _numbers(self, repeat: int) -> np.ndarray:
        """For each row the number of its fold in a repeat, from 0, int64 ``[rows]``."""
        number, tasks = self.folds.number, self.splits.tasks
        return self._split.allotted(self.rows, tasks, self._groups, [1 / number] * number, f" folds {repeat}")


def too_few_rows(corpus: Corpus, splits: Splits) -> list[str]:
    """Advice to cross-validate where the rarest class has few validation rows; what they choose is luck."""
    counts = [
        (int(count), name, task.name)
        for task, of_task in zip(splits.tasks, splits.val.class_counts(splits.tasks), strict=True)
        for count, name in zip(of_task, task.classes, strict=True)
    ]
    rows, name, task = min(counts)
    whole = len(splits.train) + len(splits.val)
    if rows >= FEW or whole > FOLDED:
        return []
    few = f"validation has {times(rows, 'row')} of class {name!r} of task {task!r}, too few to choose and score by"
    if FoldedRows(corpus, splits, Folds(ADVISED)).problems():
        return [few]
    number = [one.name for one in splits.tasks].index(task)
    labelled = sum(int((part.labels[:, number] != IGNORE_INDEX).sum()) for part in (splits.train, splits.val))
    which = times(labelled, "row") if labelled == whole else f"{times(labelled, 'row')} with a label of it"
    return [f"{few}; folds={ADVISED} scores each of {which} by a model that has not seen it"]


def _keeping_together(split: Split, group: str | None) -> Split:
    """The split's settings, with the rows of a group kept together."""
    stratify = [name for name in split.stratify if name != group]
    together = split.near_duplicates_together
    return Split(group=group, stratify=stratify, near_duplicates_together=together, seed=split.seed)


def _unique(ids: Sequence[str]) -> list[str]:
    """The ids; a row that stands in both splits has ``-2`` behind it the second time."""
    taken, seen, unique = set(ids), set[str](), []
    for name in ids:
        own = name
        if name in seen:
            own = next(other for number in count(2) if (other := f"{name}-{number}") not in taken)
            taken.add(own)
        seen.add(name)
        unique.append(own)
    return unique
