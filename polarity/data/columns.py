"""Which column plays which part: the settings that every corpus of the user's own rows has."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from polarity.data.declarations import Declaration, declare
from polarity.data.splitting import Split


@dataclass(frozen=True)
class Columns:
    """Names of columns, checked against each other.

    :param metadata: further columns to keep; None: all that play no other part.
    :param split: column that says which split a row belongs to.
    :param grouping: columns that must be kept to split and to group by, by name, with the setting that names each.
    :param group: column of rows that belong together.
    """

    text: str
    context: str | None
    id: str | None
    tasks: tuple[Declaration, ...]
    metadata: tuple[str, ...] | None
    split: str | None = None
    grouping: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None

    def parts(self) -> dict[str, str]:
        """``{setting: column}`` of the columns that must exist, without metadata."""
        single = {"text": self.text, "context": self.context, "id": self.id, "split_column": self.split}
        named = {setting: column for setting, column in single.items() if column is not None}
        return named | {f"tasks.{task.name}": task.column for task in self.tasks}


def declared_columns(
    *,
    text: str,
    context: str | None,
    id: str | None,  # noqa: A002 - the setting's name
    tasks: object,
    metadata: list[str] | None,
    split_column: str | None,
    split: Split | None,
    group: str | None = None,
) -> tuple[Columns, list[str]]:
    """The columns, with a problem for each setting that cannot be meant."""
    declarations, problems = declare(tasks)
    grouping = {} if group is None else {group: "group"}
    if split is not None:
        grouping |= dict.fromkeys(split.stratify, "split.stratify")
        grouping |= {split.group: "split.group"} if split.group is not None else {}
    kept_whole = None if split is None else split.group
    if group is not None and kept_whole not in (None, group):
        problems.append(f"group: is {group!r}, but split.group={kept_whole}; rows belong together in one way")
    kept = None if metadata is None else tuple(metadata)
    columns = Columns(text, context, id, tuple(declarations), kept, split_column, grouping, group or kept_whole)
    first: dict[str, str] = {}
    for setting, column in columns.parts().items():
        if not column.strip():
            problems.append(f"{setting}: names no column")
        elif column in first:
            problems.append(f"{setting}: column {column!r} is already that of {first[column]}; one column, one part")
        first.setdefault(column, setting)
    for column in dict.fromkeys(metadata or ()):
        if (metadata or ()).count(column) > 1:
            problems.append(f"metadata: names {column!r} more than once")
    return columns, problems


def unused_split(split: Split | None, origin: str) -> list[str]:
    """A problem if somebody set ``split`` although the splits come from ``origin``, so that it would be ignored."""
    if split is None or repr(split) == repr(Split()):
        return []
    advice = "" if split.group is None else f"; data.group={split.group} says that its rows belong together"
    return [f"split: has no effect, since the splits come from {origin}; leave data.split as it is{advice}"]
