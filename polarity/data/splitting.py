"""Cutting one table into training, validation and test rows."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Annotated

import numpy as np
from pydantic import Field
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from polarity.data.allotment import allot
from polarity.data.duplicates import NearDuplicates
from polarity.data.rows import Rows
from polarity.errors import UserError, nearest
from polarity.settings import ProperFraction, Seed
from polarity.tasks import Task
from polarity.wording import times

Share = Annotated[float, Field(gt=0, lt=1)]

_FAR_OFF = 0.25  # a share that is wrong by this part of itself is worth a note
_FAR_OFF_CLASS, _FEW = 0.1, 10  # so is a class that has so many of the rows more or less, or twice this part of its own


class Split:
    """Makes splits in which all classes of all tasks, and all their combinations, have the same shares.

    Rows that belong together stay together: those of one ``group``, and those with nearly the same text. Groups are
    allotted one after the other, each to the split where it is missed most; see :func:`polarity.data.allotment.allot`.
    The result depends on the rows, these settings and ``seed`` alone, not on the order of the rows or the run's seed.

    :param val: share of the rows for validation, which chooses the checkpoint.
    :param test: share of the rows for the test split; 0 makes none.
    :param group: metadata column whose values never stand in two splits; rows without a value are on their own.
    :param stratify: metadata columns that have the same shares in all splits, as all tasks always have.
    :param near_duplicates_together: rows with nearly the same text never stand in two splits.
    :param seed: which of many equally good splits.
    """

    def __init__(
        self,
        *,
        val: Share = 0.15,
        test: ProperFraction = 0.15,
        group: str | None = None,
        stratify: list[str] | None = None,
        near_duplicates_together: bool = True,
        seed: Seed = 0,
    ) -> None:
        self.val = val
        self.test = test
        self.group = group
        self.stratify = list(stratify or ())
        self.near_duplicates_together = near_duplicates_together
        self.seed = seed
        problems = []
        if val + test >= 1:
            problems.append(f"val: val={val} and test={test} leave no rows to train on; their sum has to be below 1")
        if group in self.stratify:
            problems.append(f"stratify: {group!r} is the group, whose values stay whole; leave it out of stratify")
        problems += [f"stratify: names {name!r} twice" for name in _repeated(self.stratify)]
        if problems:
            raise UserError(problems)

    def __repr__(self) -> str:
        return (
            f"Split(val={self.val}, test={self.test}, group={self.group}, stratify={self.stratify}, "
            f"near_duplicates_together={self.near_duplicates_together}, seed={self.seed})"
        )

    def problems(self, columns: Sequence[str]) -> list[str]:
        """A problem for each column that the data do not have."""
        named = {"group": [self.group] if self.group is not None else [], "stratify": self.stratify}
        return [
            f"{key}: no such metadata column {name!r}{nearest(name, columns, what='columns')}"
            for key, names in named.items()
            for name in names
            if name not in columns
        ]

    def apply(
        self, rows: Rows, tasks: Sequence[Task], near: NearDuplicates | None = None
    ) -> tuple[Rows, Rows, Rows | None]:
        """Training, validation and test rows, each in the order of ``rows``; no test rows for ``test=0``.

        :param near: what counts as nearly the same text; None for the usual.
        :raises UserError: if a column is missing, or the groups are too few or too big to fill every split.
        """
        problems = [f"data.split.{problem}" for problem in self.problems(list(rows.metadata))]
        if problems:
            raise UserError(problems)
        groups = self.groups(rows, near)
        shares = [1 - self.val - self.test, self.val, self.test][: 3 if self.test else 2]
        sizes = np.bincount(groups)
        if len(sizes) < len(shares):
            raise UserError(self._too_few(sizes, len(shares)))
        if problems := self._scattered(rows, min(shares)):
            raise UserError(problems)
        split = self.allotted(rows, tasks, groups, shares)
        parts = [rows.select(np.flatnonzero(split == number)) for number in range(len(shares))]
        return parts[0], parts[1], parts[2] if self.test else None

    def allotted(
        self, rows: Rows, tasks: Sequence[Task], groups: np.ndarray, shares: Sequence[float], salt: str = ""
    ) -> np.ndarray:
        """Number of the part of each row, int64 ``[rows]``; all classes have the same shares in all parts.

        :param groups: number of each row's group, from 0 without gaps; no group is torn.
        :param shares: of the parts; their sum is 1.
        :param salt: which of the equally good results, besides the seed.
        """
        counts, essential = self._counts(rows, tasks, groups, min(shares))
        of_group: np.ndarray = allot(counts, shares, _rank(groups, rows.ids, f"{self.seed}{salt}"), essential)
        return np.asarray(of_group[groups])

    def notes(self, parts: Sequence[Rows], tasks: Sequence[Task]) -> list[str]:
        """A note for each split that is far from its share, because groups are large or rows few; else for its classes.

        :param parts: in the order train, val, test.
        """
        total = sum(len(part) for part in parts)
        wanted = {"val": self.val, "test": self.test}
        far_off = [
            f"{name}: {len(part) / total:.1%} of the rows instead of {wanted[name]:.1%}, as what belongs together "
            f"stays together, and each class has to be in each split{self._together()}"
            for name, part in zip(wanted, parts[1:], strict=False)
            if abs(len(part) - wanted[name] * total) > max(1, _FAR_OFF * wanted[name] * total)
        ]
        return far_off or self._lopsided(dict(zip(("train", *wanted), parts, strict=False)), tasks)

    def _lopsided(self, parts: Mapping[str, Rows], tasks: Sequence[Task]) -> list[str]:
        """A note for each split in which a class has quite another share of the labelled rows than in all of them."""
        counted = {name: part.class_counts(tasks) for name, part in parts.items()}
        notes = []
        for name, counts in counted.items():
            for number, task in enumerate(tasks):
                of_all = np.sum([others[number] for others in counted.values()], axis=0)
                here, shares = counts[number].sum(), of_all / max(1, of_all.sum())
                apart = np.abs(counts[number] - shares * here)
                least = np.minimum(_FAR_OFF_CLASS * here, 2 * _FAR_OFF * shares * here)
                worst = int((apart - np.maximum(_FEW, least)).argmax())
                if apart[worst] > max(_FEW, least[worst]):
                    notes.append(
                        f"{name}: class {task.classes[worst]!r} of task {task.name!r} has "
                        f"{counts[number][worst] / here:.1%} of its labelled rows, of all rows {shares[worst]:.1%}, as "
                        f"what belongs together stays together{self._together()}"
                    )
        return notes

    def _together(self) -> str:
        """In brackets, the settings that keep rows together, and what can be done about it."""
        near = "data.split.near_duplicates_together"
        if self.group is None:
            return f" ({near})" if self.near_duplicates_together else ""
        if not self.near_duplicates_together:
            return f" (data.split.group={self.group})"
        advice = f"{near}=false data.leakage.exact=drop data.leakage.near=drop"
        return f" (data.split.group={self.group}; if texts that repeat link its values, {advice} goes by them alone)"

    def _too_few(self, sizes: np.ndarray, needed: int) -> str:
        return (
            f"data.split: {needed} splits need as many groups of rows at least, but "
            f"{times(sizes.sum(), 'row is', 'rows are')} in {len(sizes)}{self._together()}"
        )

    def groups(self, rows: Rows, near: NearDuplicates | None = None) -> np.ndarray:
        """Number of the group of each row, int64 ``[rows]``: rows that are linked by any relation.

        :param near: what counts as nearly the same text; None for the usual.
        """
        relations = []
        if self.group is not None:
            named = rows.metadata[self.group]
            values = _codes(named)
            missing = np.array([not value for value in named], dtype=bool)
            values[missing] = len(named) + np.arange(missing.sum())
            relations.append(values)
        if self.near_duplicates_together:
            relations.append((near or NearDuplicates()).groups(rows.text, rows.context))
        return _linked(relations, len(rows))

    def _scattered(self, rows: Rows, smallest: float) -> list[str]:
        """A problem for each column to balance with so many values that none can be in every split."""
        codes = {name: _codes(rows.metadata[name]) for name in self.stratify}
        return [
            f"data.split.stratify: {name!r} has {times(values.max() + 1, 'value')} in {times(len(rows), 'row')}, each "
            f"too rare to be in every split, so there is nothing to balance; leave it out"
            for name, values in codes.items()
            if values.max() > 0 and _without_rare(values, smallest).max() == 0
        ]

    def _counts(self, rows: Rows, tasks: Sequence[Task], groups: np.ndarray, smallest: float) -> tuple[csr_array, int]:
        """Rows of each group with each label, value and combination; the first so many have to be in each split."""
        labels = [_codes(rows.labels[:, number]) for number in range(len(tasks))]
        columns = [_codes(rows.metadata[name]) for name in self.stratify]
        cells = np.zeros(len(rows), dtype=np.int64)
        for codes in [*labels, *columns]:
            cells = _codes(cells * (codes.max() + 1) + codes)
        strata = [np.zeros_like(cells), *labels, *(_without_rare(codes, smallest) for codes in [*columns, cells])]
        essential = 1 + sum(int(codes.max()) + 1 for codes in labels)
        return _counts_of_groups(strata, groups), essential


def _repeated(names: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def _codes(values: np.ndarray | Sequence[str]) -> np.ndarray:
    """Numbers from 0 in the order of the values, so that they do not depend on the order of the rows."""
    if isinstance(values, np.ndarray):
        return np.unique(values, return_inverse=True)[1].astype(np.int64)
    number = {value: place for place, value in enumerate(sorted(set(values)))}
    return np.fromiter(map(number.__getitem__, values), dtype=np.int64, count=len(values))


def _without_rare(codes: np.ndarray, smallest: float) -> np.ndarray:
    """The codes with all of them made one that are too rare for one row in the smallest split."""
    rare = np.bincount(codes) * smallest < 1
    return _codes(np.where(rare[codes], -1, codes))


def _counts_of_groups(strata: Sequence[np.ndarray], groups: np.ndarray) -> csr_array:
    """Rows of each group with each code of each stratum, ``[groups, codes]``."""
    starts = np.cumsum([0, *(codes.max() + 1 for codes in strata)])
    small = np.int32  # of many rows and tasks this is the largest table there is
    features = np.concatenate([(codes + start).astype(small) for codes, start in zip(strata, starts[:-1], strict=True)])
    ones = np.ones(len(features), dtype=small)
    return coo_array((ones, (np.tile(groups.astype(small), len(strata)), features))).tocsr()


def _linked(relations: Sequence[np.ndarray], rows: int) -> np.ndarray:
    """Connected components of the rows, where equal numbers in any relation link two rows."""
    if not relations:
        return np.arange(rows)
    links, nodes = [], rows
    for relation in relations:
        links.append(np.stack([np.arange(rows), nodes + relation]))
        nodes += int(relation.max(initial=-1)) + 1
    ends = np.concatenate(links, axis=1)
    graph = coo_array((np.ones(ends.shape[1], dtype=np.int8), (ends[0], ends[1])), shape=(nodes, nodes))
    return _codes(connected_components(graph, directed=False)[1][:rows])


def _rank(groups: np.ndarray, ids: Sequence[str], seed: str) -> np.ndarray:
    """A random permutation of the groups that depends on the seed and the ids in them, not on the order of the rows."""
    name = [""] * (int(groups.max(initial=-1)) + 1)
    for group, identifier in zip(groups, ids, strict=True):
        name[group] = min(identifier, name[group] or identifier)
    keys = b"".join(blake2b(f"{seed} {least}".encode(errors="surrogatepass")).digest()[:8] for least in name)
    rank = np.empty(len(name), dtype=np.int64)
    rank[np.argsort(np.frombuffer(keys, dtype=">u8"), kind="stable")] = np.arange(len(name))
    return rank
