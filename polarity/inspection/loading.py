"""Data as they are, also where training would refuse them."""

from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass

from polarity.data.assembly import Assembly, Tables
from polarity.data.corpus import Corpus
from polarity.data.duplicates import NearDuplicates
from polarity.data.leakage import Leakage
from polarity.data.limit import Limit
from polarity.data.presence import presence
from polarity.data.rows import Splits
from polarity.errors import UserError
from polarity.tables.problems import Problems


@dataclass(frozen=True)
class Loaded:
    """The data, and what training would say about them.

    :param splits: all rows that could be read, overlaps included; a split that training needs may have no row.
    :param stops: what training would stop at.
    :param notes: what training would say, if it does not stop.
    :param alike: what counts as nearly the same text.
    :param group: the column whose values the settings keep together; None for none.
    """

    splits: Splits
    stops: tuple[str, ...]
    notes: tuple[str, ...]
    alike: NearDuplicates
    group: str | None


def load_as_it_is(corpus: Corpus, limit: Limit) -> Loaded:
    """Load a corpus twice: as training does, to hear what it says, and then whatever it holds.

    :param limit: how many rows of each split are looked at.
    :raises UserError: with everything that is wrong, if no table can be made of it.
    """
    stops: tuple[str, ...] = ()
    notes: Sequence[str] = ()
    try:
        notes = limit.apply(corpus.load()).notes
    except UserError as error:
        stops = error.problems
    splits = limit.apply(_lenient(corpus).load())
    assembly = getattr(corpus, "assembly", None)
    leakage = getattr(assembly or corpus, "leakage", None)
    if isinstance(assembly, Assembly) and stops:  # training stops at overlaps before it looks for absent classes
        stops = tuple(dict.fromkeys([*stops, *presence(splits.tasks, splits.items(), assembly.absent_classes)[0]]))
    alike = leakage.alike if isinstance(leakage, Leakage) else NearDuplicates()
    return Loaded(splits, stops, tuple(notes), alike, splits.train.group)


def _lenient(corpus: Corpus) -> Corpus:
    """A copy that looks for nothing that would stop it. A corpus of another kind stays as it is."""
    corpus = copy(corpus)
    for name, value in vars(corpus).items():
        if isinstance(value, Assembly):
            setattr(corpus, name, _Everything(value.columns, value.split, _unseen(value.leakage), "warn"))
        elif isinstance(value, Leakage):
            setattr(corpus, name, _unseen(value))
    return corpus


def _unseen(leakage: Leakage) -> Leakage:
    """The same idea of what is alike; the inspection looks for it itself."""
    allowing = _Unchecked(exact="allow", near="allow")
    allowing.alike = leakage.alike
    return allowing


class _Unchecked(Leakage):
    """Overlaps are not even looked for."""

    def check(self, splits: Splits) -> Splits:
        return splits


class _Everything(Assembly):
    """Makes splits of whatever rows can be read; what is wrong with the others has been told."""

    def assemble(self, tables: Tables, problems: Problems) -> Splits:
        read = {name: table for name, table in tables.items() if table is not None}
        tasks = self._tasks(read, problems)
        parts = self._parts(read, tasks, problems)
        if not any(len(part.rows) for part in parts.values()) or not all(task.classes for task in tasks):
            raise UserError(problems.lines() or ["data: there are no rows"])
        cut = None in parts or ("train" in parts and "val" not in parts)
        with suppress(UserError):  # too few rows to be split; then they all stay together
            if cut and self.split is not None:
                return self._split(parts, tasks, read)
        rows = {name: part.rows for name, part in parts.items()}
        empty = next(iter(rows.values())).select([])
        train = rows.get("train", rows.get(None, empty))
        return Splits(tasks, train, rows.get("val", empty), rows.get("test"))
