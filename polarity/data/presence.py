"""Is every class there? A class without training rows cannot be learnt, one without test rows cannot be scored."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from polarity.data.rows import Rows
from polarity.data.spelling import similar_names
from polarity.tasks import IGNORE_INDEX, Task
from polarity.wording import out_of

AbsentClasses = Literal["stop", "warn"]
"""What is done when the validation or test split lacks a class: stop, or go on with a note."""

_Counts = dict[str, list[np.ndarray]]


def presence(
    tasks: Sequence[Task], splits: Sequence[tuple[str, Rows]], absent: AbsentClasses
) -> tuple[list[str], list[str]]:
    """Problems and notes about classes that are missing from a split. The first split is the one trained on."""
    if all(task.classes for task in tasks) and not any((rows.labels != IGNORE_INDEX).any() for _, rows in splits):
        return ["no row has a label of any task"], []
    counts = {name: rows.class_counts(tasks) for name, rows in splits}
    problems, notes = [], []
    for place, split in enumerate(counts):
        missing = [found for number, task in enumerate(tasks) for found in _missing(task, number, split, counts)]
        if place == 0:
            advice = "what is never seen cannot be learnt: add rows, or leave it out of data.tasks"
            problems += [f"{text}; {advice}" for text, _ in missing]
        elif absent == "stop":
            problems += [f"{text}; data.absent_classes=warn goes on, and {effect}" for text, effect in missing]
        else:
            notes += [f"{text}; {effect}" for text, effect in missing]
    return problems, notes


def _missing(task: Task, number: int, split: str, counts: _Counts) -> list[tuple[str, str]]:
    """What is missing, and what that does to the scores of the split."""
    here = counts[split][number]
    if task.classes and not here.sum():
        return [(f"{split}: no row has a label of task {task.name!r}", "the task has no part in its scores")]
    missing = []
    for index, name in enumerate(task.classes):
        if not here[index]:
            others = ", ".join(f"{of[number][index]:,} in {other}" for other, of in counts.items() if other != split)
            elsewhere = f" ({others})" if others else ""
            text = f"{split}: no row of class {name!r} of task {task.name!r}{elsewhere}"
            missing.append((text, "its F1 counts as 0"))
    return missing


def unlabelled_notes(splits: Sequence[tuple[str, Rows]]) -> list[str]:
    """A note for each split with rows that have no label at all."""
    notes = []
    for name, rows in splits:
        empty = int((rows.labels == IGNORE_INDEX).all(axis=1).sum())
        if empty:
            notes.append(
                f"{name}: {out_of(empty, len(rows), 'row', 'has', 'have')} no label; such rows train and score nothing"
            )
    return notes


def alike_notes(tasks: Sequence[Task]) -> list[str]:
    """A note for each pair of classes that differ only in how they are written, which is often a slip of the data."""
    return [
        f"task {task.name!r}: the classes {first!r} and {second!r} look alike; are they one?"
        for task in tasks
        for first, second in similar_names(task.classes)
    ]
