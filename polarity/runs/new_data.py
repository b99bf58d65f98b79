"""Rows that a run has never seen, read by the run's own data settings as far as none other are given."""

from collections.abc import Sequence
from dataclasses import replace

from polarity.config.recorded import DataSettings
from polarity.content import Config
from polarity.data.columns import Columns
from polarity.data.declarations import Declaration
from polarity.data.ids import content_ids, without_repeated_rows
from polarity.data.locate import existing_file, locate
from polarity.data.rows import Rows
from polarity.data.table import Table, read_table
from polarity.data.validation import report_cells, report_missing_columns, validate
from polarity.errors import UserError
from polarity.settings import Name
from polarity.tables.dialect import Dialect, column_hint, dialect_problems
from polarity.tables.formats import unused_dialect
from polarity.tables.problems import Problems
from polarity.tasks import IGNORE_INDEX, Task, task_problems


class NewData:
    """A labelled file to evaluate on. Every setting but ``path`` is by default that of the run's own data.

    Labels have to be classes that the model knows; a task whose column the file lacks has no labels.

    :param path: CSV, TSV, JSON lines or Parquet, by extension; null: a split of the run's own data is evaluated.
    :param text: column of the text.
    :param context: column of the first text of a pair.
    :param id: column of unique ids; if the file lacks that of the run, ids are made from the texts.
    :param tasks: ``{task: column}``, columns of labels.
    :param metadata: columns to slice by; null: all without another part.
    :param group: column of rows that belong together; if the file lacks that of the run, rows count as independent.
    :param encoding: of text files.
    :param delimiter: between the cells of a CSV or TSV file.
    :param quote: around them.
    :param header: whether the first line of a CSV or TSV file names the columns.
    """

    def __init__(
        self,
        *,
        path: str | None = None,
        text: Name | None = None,
        context: Name | None = None,
        id: Name | None = None,  # noqa: A002 - the name that a user expects
        tasks: dict[str, str] | None = None,
        metadata: list[str] | None = None,
        group: Name | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
        quote: str | None = None,
        header: bool | None = None,
    ) -> None:
        self.path, self.text, self.context, self.id = path, text, context, id
        self.tasks, self.metadata, self.group = tasks, metadata, group
        self.dialect: Config = {
            "encoding": encoding,
            "delimiter": delimiter,
            "quote": quote,
            "header": header,
        }
        problems = []
        if path is None:
            given = {name: value for name, value in vars(self).items() if name != "dialect"} | self.dialect
            problems = [
                f"{name}: has no effect without data.path=FILE; a run's own splits are read by its own settings"
                for name, value in given.items()
                if value is not None
            ]
        else:
            asked = self._dialect(Dialect())
            problems += dialect_problems(asked) or unused_dialect(asked, [locate(path)])
        if problems:
            raise UserError(problems)

    def __repr__(self) -> str:
        return f"NewData(path={self.path!r})"

    def load(self, data: DataSettings, tasks: Sequence[Task]) -> tuple[Rows, list[str]]:
        """The rows, and what the user should know about them.

        :param data: how the run reads its own rows.
        :param tasks: of the run's model.
        :raises UserError: with everything that is wrong with the file.
        """
        assert self.path is not None
        wrong = task_problems("data.tasks", self.tasks or {}, tasks)
        if self.context is not None and data.pairs is False:
            wrong.append("data.context: the run was trained on single texts; leave it out")
        if self.context is None and data.context is None and data.pairs:
            wrong.append("data.context: the run was trained on text pairs; name the column of the first texts")
        if wrong:
            raise UserError(wrong)
        problems = Problems()
        path = locate(self.path)
        there = existing_file("data.path", path, problems)
        table = read_table(path, self._dialect(data.dialect), problems) if there else None
        if table is None:
            raise UserError(problems.lines())
        columns = self._columns(data, tasks, table)
        self._add_missing_labels(table, columns, problems)
        own = [Task(task.name, task.classes, part.column) for task, part in zip(tasks, columns.tasks, strict=True)]
        rows = _rows(table, columns, own, problems)
        return rows, [*table.notes, *_absent(path.name, rows, own)]

    def _dialect(self, usual: Dialect) -> Dialect:
        return replace(usual, **{name: value for name, value in self.dialect.items() if value is not None})

    def _columns(self, data: DataSettings, tasks: Sequence[Task], table: Table) -> Columns:
        """Which column plays which part; of the run's own, the id may be missing."""
        identifier = self.id or data.id
        if self.id is None and identifier is not None and identifier not in table.columns:
            table.notes.append(f"{table.name}: has no column {identifier!r}, so ids are made from the texts")
            identifier = None
        group = self.group or data.group
        if self.group is None and group is not None and group not in table.columns:
            table.notes.append(f"{table.name}: has no column {group!r}, so its rows are taken as independent")
            group = None
        chosen = self.tasks or {}
        return Columns(
            text=self.text or data.text or "text",
            context=self.context or data.context,
            id=identifier,
            tasks=tuple(Declaration(task.name, chosen.get(task.name, task.column), task.classes) for task in tasks),
            metadata=None if self.metadata is None else tuple(self.metadata),
            grouping=({} if group is None else {group: "group"}) | {name: f"features.{name}" for name in data.features},
            group=group,
        )

    def _add_missing_labels(self, table: Table, columns: Columns, problems: Problems) -> None:
        """A task without its column has no labels, unless that column was asked for; without any there is no score."""
        asked_for = self.tasks or {}
        missing = [task for task in columns.tasks if task.column not in table.columns and task.name not in asked_for]
        if len(missing) == len(columns.tasks):
            names = ", ".join(repr(task.column) for task in missing)
            hint = column_hint(missing[0].column, table.columns, table.setting)
            problems.add(
                f"{table.name}: has no column of labels ({names}){hint}; give data.tasks={{TASK: COLUMN}}, or use "
                "polarity.predict, which needs no labels"
            )
        for task in missing:
            table.columns[task.column] = [None] * len(table)
            table.notes.append(f"{table.name}: has no column {task.column!r}, so {task.name} is not scored")


def _rows(table: Table, columns: Columns, tasks: Sequence[Task], problems: Problems) -> Rows:
    """The usable rows, with their ids.

    :raises UserError: if anything is wrong with any row.
    """
    if report_missing_columns(table, columns, problems):
        report_cells(table, columns, tasks, problems)
        raise UserError(problems.lines())
    checked = validate(table, columns, tasks, problems)
    if columns.id is None:
        checked.rows.ids = content_ids(checked.rows)
    else:
        checked = without_repeated_rows(checked, tasks, problems)
    if not (checked.rows.labels != IGNORE_INDEX).any() and not problems:
        problems.add(f"{table.name}: no row has a label of any task; polarity.predict needs none")
    if problems:
        raise UserError(problems.lines())
    return checked.rows


def _absent(name: str, rows: Rows, tasks: Sequence[Task]) -> list[str]:
    notes = []
    for task, counts in zip(tasks, rows.class_counts(tasks), strict=True):
        missing = [label for label, count in zip(task.classes, counts.tolist(), strict=True) if not count]
        if counts.any() and missing:
            notes.append(f"{name}: no row of {task.name} is {' or '.join(map(repr, missing))}; its F1 counts as 0")
    return notes
