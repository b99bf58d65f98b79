"""What rows of a corpus of somebody's own have to be, which the readers of tables see to by themselves."""

from collections import Counter

from polarity.data.rows import Rows, Splits, examples
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
    if not len(rows.ids) == len(rows.text) == len(rows.labels) or rows.labels.shape[1:] != (len(tasks),):
        sizes = f"{times(len(rows.ids), 'id')}, {times(len(rows.text), 'text')}, labels {list(rows.labels.shape)}"
        return [f"{name}: {sizes}; there has to be one of each for a row, and a label for each task"]
    problems = []
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
