"""What rows of a corpus of somebody's own have to be, which the readers of tables see to by themselves."""

from collections import Counter

from polarity.data.rows import Rows, Splits, examples
from polarity.errors import nearest
from polarity.tasks import IGNORE_INDEX, Task
from polarity.wording import times


def unsound(splits: Splits) -> list[str]:
    """A problem for each kind of rows that cannot be trained or scored on."""
    problems = [text for name, rows in splits.items() for text in _of_split(name, rows, splits.tasks)]
    whole = {name: dict(zip(rows.ids, rows.text, strict=False)) for name, rows in splits.items()}
    names = list(whole)
    for number, later in enumerate(names):
        for earlier in names[:number]:
            shared = [key for key, text in whole[later].items() if whole[earlier].get(key, text) != text]
            if shared:
                count = times(len(shared), "id")
                problems.append(f"{earlier} and {later}: {count} stand for different rows: {examples(shared)}")
    return problems


def _of_split(name: str, rows: Rows, tasks: tuple[Task, ...]) -> list[str]:
    if problems := _misshapen(name, rows, len(tasks)):
        return problems
    if rows.group is not None and rows.group not in rows.metadata:
        hint = nearest(rows.group, rows.metadata, what="columns")
        problems.append(f"{name}: rows belong together by {rows.group!r}, which is no metadata column{hint}")
    if repeated := [key for key, count in Counter(rows.ids).items() if count > 1]:
        problems.append(f"{name}: {times(len(repeated), 'id')} more than once: {examples(repeated)}")
    if empty := [key for key, text in zip(rows.ids, rows.text, strict=True) if not text.strip()]:
        problems.append(f"{name}: {times(len(empty), 'row')} without a text: {examples(empty)}")
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


def _misshapen(name: str, rows: Rows, tasks: int) -> list[str]:
    """A problem where there is no row, or not one of everything for each row."""
    columns = {"id": rows.ids, "text": rows.text} | ({} if rows.context is None else {"context": rows.context})
    lengths = {len(rows.labels), *map(len, columns.values()), *map(len, rows.metadata.values())}
    if len(lengths) > 1 or rows.labels.shape[1:] != (tasks,):
        sizes = [times(len(cells), what) for what, cells in columns.items()]
        sizes += [
            f"{times(len(cells), 'value')} of {column!r}"
            for column, cells in rows.metadata.items()
            if len(cells) != len(rows)
        ]
        counted = f"{', '.join(sizes)}, labels {list(rows.labels.shape)}"
        return [f"{name}: {counted}; there has to be one of each for a row, and a label for each task"]
    if not len(rows):
        return [f"{name}: there is no row{'; without test rows, test is None' if name == 'test' else ''}"]
    if rows.labels.dtype.kind != "i":
        return [f"{name}: labels are {rows.labels.dtype}; they have to be signed whole numbers, those of classes"]
    return []
