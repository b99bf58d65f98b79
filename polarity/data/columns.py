"""Which column plays which part: the settings that every corpus of the user's own rows has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from polarity.data.declarations import Declaration, declare
from polarity.data.features import FeatureKind
from polarity.data.leakage import Leakage
from polarity.data.presence import AbsentClasses
from polarity.data.splitting import Split


class _Needed(TypedDict):
    text: str
    tasks: dict[str | int, Any] | list[str]
    leakage: Leakage


class TableSettings(_Needed, total=False):
    """Settings of every corpus of the user's own rows; the constructor takes them as ``**shared: Unpack[...]``.

    :param text: column of the text.
    :param tasks: ``{task: [class, class]}``, the column being named like the task, or
        ``{task: {column: ..., classes: [class, class]}}``. The order of the classes is that of their indices.
    :param leakage: what is done about texts that stand in two splits.
    :param context: column of the first text of a pair (a title, a question); may be empty in a row; None: no pairs.
    :param id: column of unique ids; None: ids are made from the content of the row.
    :param metadata: columns kept for grouping and slicing; None: all that have no other part.
    :param features: columns that the model reads beside the text, each as ``category``, ``number`` or ``date``.
    :param group: metadata column whose values hold rows that belong together (a post, an author): scores, tests and
        decision rules take them as wholes. It changes no split; ``split.group`` implies it.
    :param split: makes the splits that the data do not have; None: nothing may be missing.
    :param absent_classes: what is done if validation or test lacks a class: ``stop`` (which is the default), or
        ``warn`` and score it as 0.
    """

    context: str | None
    id: str | None
    metadata: list[str] | None
    features: dict[str | int, FeatureKind]
    group: str | None
    split: Split | None
    absent_classes: AbsentClasses


@dataclass(frozen=True)
class Columns:
    """Names of columns, checked against each other.

    :param metadata: further columns to keep; None: all that play no other part.
    :param split: column that says which split a row belongs to.
    :param grouping: columns that must be kept to split and to group by, by name, with the setting that names each.
    :param group: column of rows that belong together.
    :param features: columns that the model reads beside the text, and as what.
    """

    text: str
    context: str | None
    id: str | None
    tasks: tuple[Declaration, ...]
    metadata: tuple[str, ...] | None
    split: str | None = None
    grouping: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None
    features: Mapping[str, FeatureKind] = field(default_factory=dict)

    def parts(self) -> dict[str, str]:
        """``{setting: column}`` of the columns that must exist, without metadata."""
        single = {"text": self.text, "context": self.context, "id": self.id, "split_column": self.split}
        named = {setting: column for setting, column in single.items() if column is not None}
        return named | {f"tasks.{task.name}": task.column for task in self.tasks}


def declared_columns(settings: TableSettings, split_column: str | None) -> tuple[Columns, list[str]]:
    """The columns, with a problem for each setting that cannot be meant."""
    declarations, problems = declare(settings["tasks"])
    split, group, metadata = settings.get("split"), settings.get("group"), settings.get("metadata")
    grouping = {} if group is None else {group: "group"}
    if split is not None:
        grouping |= dict.fromkeys(split.stratify, "split.stratify")
        grouping |= {split.group: "split.group"} if split.group is not None else {}
    features = {str(name): kind for name, kind in settings.get("features", {}).items()}
    kept_whole = None if split is None else split.group
    if group is not None and kept_whole not in (None, group):
        problems.append(f"group: is {group!r}, but split.group={kept_whole}; rows belong together in one way")
    columns = Columns(
        text=settings["text"],
        context=settings.get("context"),
        id=settings.get("id"),
        tasks=tuple(declarations),
        metadata=None if metadata is None else tuple(metadata),
        split=split_column,
        grouping=grouping | {name: f"features.{name}" for name in features},
        group=group or kept_whole,
        features=features,
    )
    problems += _taken_twice(columns, list(features))
    return columns, problems


def _taken_twice(columns: Columns, features: Sequence[str]) -> list[str]:
    """A problem for each column that has two parts of which it can have one."""
    problems = []
    first: dict[str, str] = {}
    for setting, column in columns.parts().items():
        if not column.strip():
            problems.append(f"{setting}: names no column")
        elif column in first:
            problems.append(f"{setting}: column {column!r} is already that of {first[column]}; one column, one part")
        first.setdefault(column, setting)
    for column in features:
        if column in first:
            problems.append(f"features.{column}: is the column of {first[column]}; one column, one part")
        elif column == columns.group:
            problems.append(f"features.{column}: is the group, of which new rows have other values; leave it out")
    named = columns.metadata or ()
    repeated = [column for column in dict.fromkeys(named) if named.count(column) > 1]
    return [*problems, *(f"metadata: names {column!r} more than once" for column in repeated)]


def unused_split(split: Split | None, origin: str) -> list[str]:
    """A problem if somebody set ``split`` although the splits come from ``origin``, so that it would be ignored."""
    if split is None or repr(split) == repr(Split()):
        return []
    advice = "" if split.group is None else f"; data.group={split.group} says that its rows belong together"
    return [f"split: has no effect, since the splits come from {origin}; leave data.split as it is{advice}"]
