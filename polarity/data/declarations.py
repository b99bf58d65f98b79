"""The tasks as a configuration declares them: which column, which classes, in which order."""

import math
import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

from polarity.errors import nearest
from polarity.printable import printable
from polarity.privacy import texts_are_shown
from polarity.quoting import as_name, as_word
from polarity.tables.problems import SHOWN
from polarity.tasks import Task
from polarity.wording import times

Scalar = str | int | float | bool | None
"""A class name as YAML or a command line hands it over: an unquoted ``yes`` may arrive as True, ``null`` as None."""

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_READ_AS_TRUE = {"yes", "true", "on"}
_READ_AS_FALSE = {"no", "false", "off"}
_READ_AS_NULL = {"null", "~"}
_SUGGESTED = 200
"""A column with more distinct values than this is hardly one of labels; no classes are suggested for it."""
_FEW = 20
"""A column with no more than these is one of labels, however few rows each of them has."""


def normalize(name: str) -> str:
    """The form in which class names and labels are compared: without blanks around it, composed characters (NFC)."""
    return unicodedata.normalize("NFC", name.strip())


@dataclass(frozen=True)
class Declaration:
    """One task before the data have been seen.

    :param classes: names, or what YAML made of them; empty: the user has yet to name them.
    """

    name: str
    column: str
    classes: tuple[Scalar, ...]

    def resolve(self, labels: Counter[str], problems: list[str]) -> Task:
        """The task, its class names read with the help of the labels that occur in its column.

        If that fails, ``problems`` says why and the task has no classes.
        """
        key = f"data.tasks.{self.name}"
        if not self.classes:
            problems.append(f"{key}: name its classes, in the order of their indices{self._suggestion(labels)}")
        names = []
        for value in self.classes:
            name = value if isinstance(value, str) else _spelled(value, labels)
            if name is None:
                problems.append(f"{key}: {_as_yaml(value)} stands for a yes, no or null without quotes{_quote(value)}")
            else:
                names.append(normalize(name))
        repeated = {name: count for name, count in Counter(names).items() if count > 1}
        problems += [f"{key}: the class {name!r} is named {count} times" for name, count in repeated.items()]
        sound = len(names) == len(self.classes) and not repeated
        return Task(self.name, tuple(names) if sound else (), self.column)

    def _suggestion(self, labels: Counter[str]) -> str:
        if not labels:
            return f"; no row that can be read has one in column {self.column!r}"
        if not texts_are_shown():
            return f"; what stands in column {self.column!r} is hidden, as texts are private"
        shown = [f"{name!r} ({times(rows, 'row')})" for name, rows in labels.most_common(_FEW)]
        found = f"column {self.column!r} has, in rows that can be read, {', '.join(shown)}"
        if len(labels) > _FEW:
            count = times(len(labels), "different value")
            found = f"column {self.column!r} has {count}: {', '.join(shown[:SHOWN])}, ..."
        pasted = shlex.quote(f"data.tasks={{{self.to_paste(suggested_classes(labels))}}}")
        return f"; {found}{_doubt(labels) or f'; for instance {pasted}'}"

    def to_paste(self, classes: Sequence[str]) -> str:
        """The task in the setting ``data.tasks``, with these classes."""
        listed = "[" + ",".join(as_name(name) for name in classes) + "]"
        short = _is_name(self.column) and self.column == self.name
        value = listed if short else f"{{column:{as_name(self.column)},classes:{listed}}}"
        return f"{self.name}:{value}"


def suggested_classes(labels: Counter[str]) -> Sequence[str]:
    """The labels of a column as classes, most frequent first; none where they are private, or hardly classes."""
    return [] if not texts_are_shown() or _doubt(labels) else [name for name, _ in labels.most_common()]


def _doubt(labels: Counter[str]) -> str:
    """What speaks against the labels of a column as classes, as messages go on; empty where nothing does."""
    if len(labels) == 1:
        return " and no other value; a task needs at least two"
    if len(labels) > _SUGGESTED or (len(labels) > _FEW and 2 * len(labels) > labels.total()):
        return "; is it one of labels?"
    if unusable := [name for name in labels if not can_be_class(name)]:
        names = ", ".join(printable(repr(name)) for name in unusable[:SHOWN])
        return f"; settings cannot hold {names}; rename that in the data"
    return ""


def can_be_class(name: str) -> bool:
    """Whether a configuration can hold a name: it would resolve ``${...}``, and takes ``???`` for what is missing."""
    return name != "???" and "${" not in name and not _has_controls(name)


def _has_controls(name: str) -> bool:
    return printable(name) != name or len(name.splitlines()) > 1 or "\t" in name


def declare(tasks: object) -> tuple[list[Declaration], list[str]]:
    """The declarations of the setting ``tasks``, with problems that begin with its key.

    ``{task: [classes]}``, ``{task: {column: ..., classes: [...]}}``, or a list of names to see what the columns hold.
    """
    entries = dict.fromkeys(tasks) if isinstance(tasks, list) else tasks
    if not isinstance(entries, Mapping):
        return [], [f"tasks: must be {{task: [class, class, ...]}}, got {tasks!r}"]
    if not entries:
        return [], ["tasks: name at least one task, as data.tasks={TASK:[CLASS,CLASS]}"]
    made, problems = [], []
    for name, entry in entries.items():
        declaration, wrong = _declare(str(name), entry)
        problems += wrong
        if declaration is not None:
            made.append(declaration)
    if unusable := [name for name in entries if not _is_name(name)]:
        pasted = f"data.tasks={{{','.join(_with_plain_names(list(entries), made))}}}"
        instance = f", for instance {shlex.quote(pasted)}" if len(made) == len(entries) else ""
        problems += [
            f"tasks.{name}: {name!r} cannot name a task, since it becomes part of names of scores and files; "
            f"use letters a-z, digits, _ and -, and give the column apart{instance}"
            for name in unusable
        ]
    return made, problems


def _is_name(name: object) -> bool:
    return not isinstance(name, bool) and _NAME.fullmatch(str(name)) is not None


def _with_plain_names(names: Sequence[object], made: Sequence[Declaration]) -> Iterator[str]:
    """Each task as the setting ``data.tasks`` has it, under a name that it can have and no other one has.

    :param names: as they were given.
    """
    taken = {str(name) for name in names if _is_name(name)}
    for given, one in zip(names, made, strict=False):
        name = one.name
        if not _is_name(given):
            plain = _plain(name)
            name = next(free for free in chain([plain], (f"{plain}_{n}" for n in count(2))) if free not in taken)
            taken.add(name)
        classes = ",".join(as_name(value) if isinstance(value, str) else _as_yaml(value) for value in one.classes)
        yield f"{name}:{{column:{as_name(one.column)}{f',classes:[{classes}]' if classes else ''}}}"


def _plain(name: str) -> str:
    """A name for a task of this column, in small letters without accents."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    plain = re.sub(r"[^a-z0-9_-]+", "_", bare).strip("_-")
    return plain if as_word(plain) == plain else f"task_{plain}".rstrip("_")  # true and null are no text there


def _declare(name: str, entry: object) -> tuple[Declaration | None, list[str]]:
    key = f"tasks.{name}"
    settings: dict[Any, Any] = dict(entry) if isinstance(entry, Mapping) else {"classes": entry}
    known = ("column", "classes")
    problems = [
        f"{key}.{other}: a task has no such setting{nearest(other, known, what='settings')}"
        for other in settings
        if other not in known
    ]
    column = settings.get("column")
    column = name if column is None else str(column) if type(column) in (int, float) else column
    if not isinstance(column, str):
        problems.append(f"{key}.column: must be the name of a column, got {column!r}")
    classes = settings.get("classes")
    classes = [] if classes is None else classes
    if not isinstance(classes, list):
        problems.append(f"{key}: its classes must be a list [class, class, ...], got {classes!r}")
        return None, problems
    for value in classes:
        if not isinstance(value, Scalar):
            problems.append(f"{key}: a class must be a name, got {value!r}")
        elif isinstance(value, str) and not normalize(value):
            problems.append(f"{key}: a class has an empty name; rows without a label need no class")
        elif isinstance(value, str) and _has_controls(value):
            problems.append(f"{key}: a class name holds control characters: {printable(repr(value))}")
    if len(classes) == 1:
        problems.append(f"{key}: has one class, {classes[0]!r}; a task needs at least two")
    spelled = Counter(normalize(v) if isinstance(v, str) else str(v) for v in classes if not isinstance(v, bool))
    problems += [f"{key}: the class {name!r} is named {count} times" for name, count in spelled.items() if count > 1]
    return (None if problems else Declaration(name, column, tuple(classes))), problems


def _spelled(value: Scalar, labels: Counter[str]) -> str | None:
    """How the data spell a class that YAML took for something else than text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    found = [label for label in labels if _reads_as(label, value)]
    if len(found) == 1:
        return found[0]
    return str(value) if isinstance(value, float) else None


def _reads_as(label: str, value: Scalar) -> bool:
    if value is None:
        return label.casefold() in _READ_AS_NULL
    if isinstance(value, bool):
        return label.casefold() in (_READ_AS_TRUE if value else _READ_AS_FALSE)
    try:
        number = float(label)
    except ValueError:
        return False
    return number == value or (math.isnan(number) and isinstance(value, float) and math.isnan(value))


def _quote(value: Scalar) -> str:
    words = {"null": "'null'", "true": "'yes' or 'true'", "false": "'no' or 'false'"}[_as_yaml(value)]
    return f", and the column does not tell which; write the class in quotes, such as {words}"


def _as_yaml(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
