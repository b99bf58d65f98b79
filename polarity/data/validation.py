"""From a table of raw cells to the rows of a split, with a report of everything in it that cannot be used."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polarity.data.cells import (
    FLATTEN,
    context_cells,
    id_cells,
    is_blank,
    label_cells,
    metadata_cells,
    report_features,
    report_unknown_labels,
    split_cells,
    text_cells,
)
from polarity.data.columns import Columns
from polarity.data.rows import Rows
from polarity.data.split_names import SplitName
from polarity.data.table import Table
from polarity.tables.dialect import column_hint
from polarity.tables.problems import Problems
from polarity.tasks import IGNORE_INDEX, Task
from polarity.wording import out_of


@dataclass
class Checked:
    """The usable rows of a table.

    :param rows: without ids as yet where no column holds them.
    :param indices: row of the table for each of ``rows``, int64 ``[rows]``.
    :param splits: the split of each row where a column tells it; None where its cell is wrong.
    """

    table: Table
    rows: Rows
    indices: np.ndarray
    splits: list[SplitName | None]

    def select(self, chosen: Sequence[int] | np.ndarray) -> "Checked":
        """The rows at ``chosen``."""
        numbers = np.asarray(chosen, dtype=np.int64)
        splits = [self.splits[row] for row in numbers.tolist()]
        return Checked(self.table, self.rows.select(numbers), self.indices[numbers], splits)

    def where(self, row: int) -> str:
        """How to find a row in its file."""
        return self.table.where[int(self.indices[row])]


def report_missing_columns(table: Table, columns: Columns, problems: Problems) -> bool:
    """Report each column that is named in the settings but not in the file; True if there is one."""
    needed = [
        (f"{setting}.column" if setting.startswith("tasks.") else setting, column)
        for setting, column in columns.parts().items()
    ]
    needed += [("metadata", column) for column in columns.metadata or ()]
    needed += [(setting, column) for column, setting in columns.grouping.items()]
    missing = [(setting, column) for setting, column in needed if column not in table.columns]
    for setting, column in missing:
        hint = column_hint(column, table.columns, table.setting)
        if (outer := column.partition(".")[0]) != column and outer in table.columns:
            hint += f"; fields within {outer!r} are no columns: {FLATTEN}"
        problems.add(f"{table.name}: has no column {column!r}, which data.{setting} asks for{hint}")
    return bool(missing)


def report_cells(table: Table, columns: Columns, tasks: Sequence[Task], problems: Problems) -> None:
    """Report the faulty cells of a table that lacks columns, so that they are not found only at the next attempt."""
    if columns.text in table.columns:
        text_cells(table, columns.text, problems)
    if columns.context in table.columns:
        context_cells(table, columns.context, problems)
    if columns.id in table.columns:
        id_cells(table, columns.id, problems)
    if columns.split in table.columns:
        split_cells(table, columns.split, problems)
    for task in tasks:
        if task.column in table.columns:
            _indices(table, task, problems)


def validate(table: Table, columns: Columns, tasks: Sequence[Task], problems: Problems) -> Checked:
    """The rows of a table that has all columns. Rows without a text are left out; what else is wrong is reported."""
    missed = Problems()  # a row without a text or a split is in none
    text, good = text_cells(table, columns.text, missed)
    splits = [None] * len(table) if columns.split is None else split_cells(table, columns.split, missed)
    table.incomplete |= bool(missed)
    problems.merge(missed)
    contexts = None if columns.context is None else context_cells(table, columns.context, problems)
    ids = [""] * len(table) if columns.id is None else id_cells(table, columns.id, problems)
    labels = [_indices(table, task, problems) for task in tasks]
    rows = Rows(
        ids=["" if name is None else name for name in ids],
        text=text,
        context=contexts,
        labels=np.stack(labels, axis=1) if labels else np.empty((len(table), 0), dtype=np.int64),
        metadata=_metadata(table, columns, problems),
        group=columns.group,
    )
    if contexts is not None and (empty := sum(map(is_blank, contexts))):
        table.notes.append(
            f"{table.name}: {out_of(empty, len(table), 'row', 'has', 'have')} no context; the text stands alone"
        )
    whole = Checked(table, rows, np.arange(len(table)), list(splits))
    return whole if len(good) == len(table) else whole.select(good)


def _indices(table: Table, task: Task, problems: Problems) -> np.ndarray:
    cells = label_cells(table, task.column, problems, task.classes)
    if task.classes:
        report_unknown_labels(table, task.column, cells, task.name, task.classes, problems)
    index: dict[str | None, int] = {name: number for number, name in enumerate(task.classes)}
    return np.array([index.get(cell, IGNORE_INDEX) for cell in cells], dtype=np.int64)


def _metadata(table: Table, columns: Columns, problems: Problems) -> dict[str, list[str]]:
    parts = set(columns.parts().values())
    every = columns.metadata is None
    asked = [*(columns.metadata or ()), *columns.grouping]
    names = [name for name in table.columns if name in asked or (every and name not in parts)]
    settings = dict.fromkeys(columns.metadata or (), "data.metadata") | {
        column: f"data.{setting}" for column, setting in columns.grouping.items()
    }
    metadata = {name: metadata_cells(table, name, settings.get(name), problems) for name in names}
    for name, kind in columns.features.items():
        report_features(table, name, metadata.get(name) or [], kind, problems)
    nested = [name for name, cells in metadata.items() if cells is None and name not in asked]
    if nested:
        table.notes.append(f"{table.name}: columns of lists or objects are not kept as metadata: {', '.join(nested)}")
    return {name: cells for name, cells in metadata.items() if cells is not None}
