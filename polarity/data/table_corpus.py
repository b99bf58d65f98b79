"""From the tables of a source to its splits: what every corpus of the user's own rows does."""

import shlex
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import ClassVar, Unpack

from polarity.data.cells import label_cells
from polarity.data.columns import TableSettings, declared_columns, unused_split
from polarity.data.corpus import Corpus
from polarity.data.declarations import Declaration, suggested_classes
from polarity.data.ids import content_ids, report_shared_ids, without_repeated_rows
from polarity.data.leakage import Leakage
from polarity.data.presence import AbsentClasses, presence
from polarity.data.rows import Splits
from polarity.data.split_names import SplitName
from polarity.data.table import Table
from polarity.data.validation import Checked, report_cells, report_missing_columns, validate
from polarity.errors import UserError
from polarity.tables.problems import Problems
from polarity.tasks import IGNORE_INDEX, Task

Tables = Mapping[SplitName | None, Table | None]
"""Tables by split, in order. The key None is a table yet to be split; a table that is None could not be read."""

Parts = dict[SplitName | None, Checked]


class TableCorpus(Corpus):
    """A corpus of the user's own rows.

    :param problems: what is wrong with settings of its own.
    :param split_column: column that names the split of each row.
    :param shared: see :class:`polarity.data.columns.TableSettings`.
    :raises UserError: with all that is wrong with the settings.
    """

    defaults: ClassVar[dict[str, object]] = {"absent_classes": "stop", "features": {}}
    """Of the shared settings; others are None."""

    def __init__(
        self, problems: Sequence[str], *, split_column: str | None = None, **shared: Unpack[TableSettings]
    ) -> None:
        self.columns, wrong = declared_columns(shared, split_column)
        if wrong or problems:
            raise UserError([*wrong, *problems])
        self.leakage: Leakage = shared["leakage"]
        self.split = shared.get("split")
        self.features = {str(name): kind for name, kind in shared.get("features", {}).items()}
        self.absent_classes: AbsentClasses = shared.get("absent_classes", "stop")

    def described(self) -> str:
        """Columns and tasks, as ``repr`` shows them."""
        tasks = ", ".join(f"{task.name}={list(task.classes)}" for task in self.columns.tasks)
        return f"text={self.columns.text!r}, context={self.columns.context!r}, tasks=({tasks})"

    @abstractmethod
    def tables(self, problems: Problems) -> Tables:
        """The tables of the source.

        :param problems: whatever is wrong with them is added.
        :raises UserError: if nothing can be read at all.
        """

    def load(self) -> Splits:
        """Read all tables, report all that is wrong with them, split and check them."""
        problems = Problems()
        tables = self.tables(problems)
        read = {name: table for name, table in tables.items() if table is not None}
        tasks = self._tasks(read, problems)
        parts = self._parts(read, tasks, problems)
        if not problems:
            problems.extend(self._origin_problems(parts))
        if problems:
            complete = len(read) == len(tables) and not any(table.incomplete for table in read.values())
            self._look_further(tasks, parts, problems, complete=complete)
            raise UserError(problems.lines())
        return self.check(self._split(parts, tasks, read))

    def read(self) -> Splits:
        """Splits of whatever rows can be read; the others are left out."""
        problems = Problems()
        read = {name: table for name, table in self.tables(problems).items() if table is not None}
        tasks = self._tasks(read, problems)
        parts = self._parts(read, tasks, problems)
        if not any(len(part.rows) for part in parts.values()) or not all(task.classes for task in tasks):
            raise UserError(problems.lines() or ["data: there are no rows"])
        with suppress(UserError):  # too few rows to be split; then they all stay together
            if self._is_cut(parts):
                return self._split(parts, tasks, read)
        rows = {name: part.rows for name, part in parts.items()}
        empty = next(iter(rows.values())).select([])
        return Splits(tasks, rows.get("train", rows.get(None, empty)), rows.get("val", empty), rows.get("test"))

    def unsound(self, splits: Splits) -> list[str]:
        return []

    def _tasks(self, tables: Mapping[SplitName | None, Table], problems: Problems) -> tuple[Task, ...]:
        tasks: list[Task] = []
        wrong: list[str] = []
        classes: list[Sequence[str]] = []
        for declaration in self.columns.tasks:
            labels: Counter[str] = Counter()
            for table in tables.values():
                if declaration.column in table.columns:
                    cells = label_cells(table, declaration.column, Problems())  # reported when read for good
                    labels.update(cell for cell in cells if cell is not None)
            there = any(declaration.column in table.columns for table in tables.values())
            tasks.append(declaration.resolve(labels, wrong if there else []))  # else it is told what is missing
            classes.append(tasks[-1].classes if declaration.classes else suggested_classes(labels))
        if all(classes) and sum(not declaration.classes for declaration in self.columns.tasks) > 1:
            pasted = ",".join(map(Declaration.to_paste, self.columns.tasks, classes))
            wrong.append(f"data.tasks: all of them: {shlex.quote(f'data.tasks={{{pasted}}}')}")
        if tables:
            problems.extend(wrong)
        return tuple(tasks)

    def _parts(self, tables: Mapping[SplitName | None, Table], tasks: tuple[Task, ...], problems: Problems) -> Parts:
        """The rows by split; no parts if a column is missing."""
        checked, complete = {}, True
        for name, table in tables.items():
            if report_missing_columns(table, self.columns, problems):
                report_cells(table, self.columns, tasks, problems)
                complete = False
            else:
                checked[name] = validate(table, self.columns, tasks, problems)
        if not complete:
            return {}
        if self.columns.split is not None:
            checked = {
                split: part.select([row for row, other in enumerate(part.splits) if other == split])
                for part in checked.values()
                for split in ("train", "val", "test")
                if split in part.splits
            }
        if set(checked) == {"train"}:
            checked = {None: checked["train"]}
        parts = {}
        for name, part in checked.items():
            if self.columns.id is None:
                part.rows.ids = content_ids(part.rows)
                parts[name] = part
            else:
                parts[name] = without_repeated_rows(part, tasks, problems)
        if self.columns.id is not None:
            report_shared_ids([(str(name), part) for name, part in parts.items()], tasks, problems)
        return parts

    def _origin_problems(self, parts: Parts) -> list[str]:
        if set(parts) == {None}:
            return [] if self.split is not None else ["data.split: is null, but the data have no splits of their own"]
        found = ", ".join(str(name) for name in parts)
        if "train" not in parts:
            return [f"data: no rows to train on; found {found or 'no split'}"]
        if "val" not in parts and not self._is_cut(parts):
            advice = "give them, or let data.split.test=0 cut the part data.split.val from the training rows"
            return [f"data: no rows for validation, which chooses the checkpoint; found {found}; {advice}"]
        return [f"data.{text}" for text in unused_split(self.split, "the data")] if "val" in parts else []

    def _is_cut(self, parts: Parts) -> bool:
        """Whether the setting ``split`` makes the splits that are missing, and no second test split."""
        if self.split is None:
            return False
        return None in parts or ("train" in parts and "val" not in parts and self.split.test == 0)

    def _split(self, parts: Parts, tasks: tuple[Task, ...], tables: Mapping[SplitName | None, Table]) -> Splits:
        notes = [note for table in tables.values() for note in table.notes]
        train, val, test = (parts[name].rows if name in parts else None for name in ("train", "val", "test"))
        if None in parts or val is None:
            assert self.split is not None
            # What counts as nearly the same is one question: what stays together here may not be called leakage later.
            made = self.split.apply(parts[None].rows if train is None else train, tasks, self.leakage.near_duplicates)
            notes += self.split.notes([part for part in made if part is not None], tasks)
            train, val, test = made if None in parts else (made[0], made[1], test)
        assert train is not None
        assert val is not None
        return Splits(tasks, train, val, test, notes)

    def _look_further(self, tasks: tuple[Task, ...], parts: Parts, problems: Problems, *, complete: bool) -> None:
        """Add what can be said about classes and leakage although there are problems already.

        :param complete: whether all rows could be read; a class may stand in the others alone.
        """
        if {"train", "val"} <= set(parts):
            test = parts["test"].rows if "test" in parts else None
            splits = Splits(tasks, parts["train"].rows, parts["val"].rows, test)
            try:
                if complete:
                    Corpus.check(self, splits)
                else:
                    self.leakage.check(splits)
            except UserError as error:
                problems.extend(error.problems)
        elif complete and {None, "train"} & set(parts):
            named = [(part.table.name if name is None else name, part.rows) for name, part in parts.items()]
            if any((rows.labels != IGNORE_INDEX).any() for _, rows in named):
                problems.extend(presence(tasks, named, self.absent_classes)[0])
