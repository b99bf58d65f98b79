"""What rows of a corpus of somebody's own have to be, which the readers of tables see to by themselves."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from polarity.data.cells import context_refusal, text_refusal
from polarity.data.declarations import declare, normalize
from polarity.data.rows import Rows, Splits, examples
from polarity.errors import nearest
from polarity.tables.problems import Problems
from polarity.tasks import IGNORE_INDEX, Task
from polarity.wording import times


def unsound(splits: Splits) -> list[str]:
    """A problem for each kind of rows that cannot be trained or scored on."""
    if problems := misshapen(splits):
        return problems
    problems = _of_tasks(splits.tasks)
    problems += [text for name, rows in splits.items() for text in _of_split(name, rows, splits.tasks)]
    whole = {
        name: dict(zip(_keys(rows), zip(rows.contexts, rows.text, rows.labels.tolist(), strict=True), strict=True))
        for name, rows in splits.items()
    }
    names = list(whole)
    for number, later in enumerate(names):
        for earlier in names[:number]:
            shared = [key for key, row in whole[later].items() if whole[earlier].get(key, row) != row]
            if shared:
                count = times(len(shared), "id stands", "ids stand")
                problems.append(f"{earlier} and {later}: {count} for different rows: {examples(shared)}")
    return problems


def misshapen(splits: Splits) -> list[str]:
    """A problem for all that makes no table: nobody can look at such rows, let alone train on them."""
    tasks = len(splits.tasks)
    return [text for name, rows in splits.items() for text in _mistyped(name, rows) or _uneven(name, rows, tasks)]


def _mistyped(name: str, rows: Rows) -> list[str]:
    """A problem for whatever is no list of str, and for labels that are no whole numbers."""
    if not isinstance(rows.metadata, Mapping):
        return [f"{name}: metadata: a dict of columns is needed, not {_kind(rows.metadata)}"]
    problems = Problems()
    columns = _columns(rows) | {f"metadata[{column!r}]": cells for column, cells in rows.metadata.items()}
    for what, cells in columns.items():
        if not isinstance(cells, list | tuple):
            problems.add(f"{name}: {what}: a list of str is needed, not {_kind(cells)}")
            continue
        for row, cell in enumerate(cells):
            if not isinstance(cell, str):
                problems.at(f"{name}: {what}: not all are str", f"[{row}] is {_kind(cell)}")
    if not isinstance(rows.labels, np.ndarray) or rows.labels.dtype.kind != "i":
        kind = rows.labels.dtype if isinstance(rows.labels, np.ndarray) else _kind(rows.labels)
        wanted = "an array of signed whole numbers, those of classes"
        problems.add(f"{name}: labels are {kind}; they have to be {wanted}")
    return problems.lines()


def _uneven(name: str, rows: Rows, tasks: int) -> list[str]:
    """A problem where there is not one of everything for each row."""
    columns = _columns(rows)
    lengths = {*rows.labels.shape[:1], *map(len, columns.values()), *map(len, rows.metadata.values())}
    if len(lengths) == 1 and rows.labels.shape[1:] == (tasks,):
        return []
    sizes = [times(len(cells), what.removesuffix("s")) for what, cells in columns.items()]
    sizes += [
        f"{times(len(cells), 'value')} of {column!r}"
        for column, cells in rows.metadata.items()
        if len(cells) != len(rows)
    ]
    counted = f"{', '.join(sizes)}, labels {list(rows.labels.shape)}"
    return [f"{name}: {counted}; there has to be one of each for a row, and a label for each task"]


def _columns(rows: Rows) -> dict[str, list[str]]:
    return {"ids": rows.ids, "text": rows.text} | ({} if rows.context is None else {"context": rows.context})


def _kind(thing: object) -> str:
    return "None" if thing is None else type(thing).__name__


def _of_tasks(tasks: Sequence[Task]) -> list[str]:
    """A problem for all that the setting ``data.tasks`` would be refused for."""
    problems = [text for task in tasks for text in declare({task.name: list(task.classes)})[1]]
    problems += [
        f"tasks.{task.name}: the class {name!r} is {_kind(name)}; it has to be a str"
        for task in tasks
        for name in task.classes
        if not isinstance(name, str)
    ]
    counts = Counter(task.name for task in tasks)
    return problems + [
        f"tasks.{name}: {times(count, 'task')} of that name" for name, count in counts.items() if count > 1
    ]


def _of_split(name: str, rows: Rows, tasks: Sequence[Task]) -> list[str]:
    if not len(rows):
        return [f"{name}: there is no row{'; without test rows, test is None' if name == 'test' else ''}"]
    problems = _unreadable(name, rows)
    if rows.group is not None and rows.group not in rows.metadata:
        hint = nearest(rows.group, rows.metadata, what="columns")
        problems.append(f"{name}: rows belong together by {rows.group!r}, which is no metadata column{hint}")
    if repeated := [key for key, count in Counter(_keys(rows)).items() if count > 1]:
        problems.append(f"{name}: {times(len(repeated), 'id')} more than once: {examples(repeated)}")
    for number, task in enumerate(tasks):
        labels = rows.labels[:, number]
        wrong = (labels != IGNORE_INDEX) & ((labels < 0) | (labels >= len(task.classes)))
        if wrong.any():
            found = sorted({int(label) for label in labels[wrong]})
            problems.append(
                f"{name}: labels of task {task.name!r} have to be 0 to {len(task.classes) - 1}, or {IGNORE_INDEX} for "
                f"none; found {', '.join(map(str, found[:5]))}"
            )
    return problems


def _keys(rows: Rows) -> list[str]:
    """The ids, however their characters are composed."""
    return list(map(normalize, rows.ids))


def _unreadable(name: str, rows: Rows) -> list[str]:
    """A problem for each kind of texts that would be refused in a table."""
    problems = Problems()
    for key, text, context in zip(rows.ids, rows.text, rows.contexts, strict=True):
        for refusal in (text_refusal("text", text), context_refusal("context", context)):
            if refusal is not None:
                problems.refuse(name, f"id {key}", refusal)
    return problems.lines()
