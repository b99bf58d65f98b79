"""The same rows in the same order for all systems, or a refusal that names the first difference."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from polarity.comparison.load import System
from polarity.data.declarations import normalize
from polarity.errors import UserError, nearest
from polarity.evaluation.predictions import Predictions, TaskPredictions
from polarity.tasks import IGNORE_INDEX, Task
from polarity.wording import times

Decided = list[np.ndarray]
"""Class indices ``[rows]`` of each task."""


@dataclass(frozen=True)
class Aligned:
    """Rows that all systems have decided.

    :param labels: int64 ``[rows, tasks]``.
    :param decided: for each system and task int64 ``[rows]``; on validation what was decided without the row's label.
    :param argmax: the same before calibration and decision rule.
    :param cluster: for each row its group, or None.
    :param further: of each system, what it has decided and its argmax, in each further repeat of a cross-validation.
    """

    tasks: list[Task]
    ids: list[str]
    labels: np.ndarray
    decided: list[Decided]
    argmax: list[Decided]
    cluster: np.ndarray | None
    further: list[list[tuple[Decided, Decided]]]

    def repeats(self, number: int) -> list[tuple[Decided, Decided]]:
        """What a system has decided, and its largest logits, in each repeat."""
        return [(self.decided[number], self.argmax[number]), *self.further[number]]


def align(systems: Sequence[System], split: str, *, tasks: Sequence[str] | None, cluster: str | None) -> Aligned:
    """Put the systems' rows in the order of their ids, so that what is drawn of them is the same in any order.

    :param tasks: names of the tasks to compare; None for all.
    :param cluster: metadata column.
    :raises UserError: if tasks, classes, ids or labels differ.
    """
    first = systems[0]
    problems = [problem for system in systems for problem in _chosen_problems(system, tasks)]
    if tasks is None:
        problems += [problem for system in systems[1:] for problem in _task_problems(first, system)]
    problems += [problem for system in systems[1:] for problem in _row_problems(first, system)]
    if problems:
        raise UserError(problems)
    names = list(tasks) if tasks is not None else [item.task.name for item in first.predictions.tasks]
    classes = [_classes(systems, name) for name in names]
    ids = sorted(_keys(first.predictions))
    placed = [_in_order(system.predictions, ids) for system in systems]
    labels = [_labels(item, classes, names) for item in placed]
    problems = [
        problem
        for system, own in zip(systems[1:], labels[1:], strict=True)
        for problem in _label_problems(first, system, classes, ids, labels[0], own)
    ]
    problems += _text_problems(systems, split)
    if problems:
        raise UserError(problems)
    said = [
        [_decided(one, classes) for one in (first_repeat, *(_in_order(other, ids) for other in system.further))]
        for first_repeat, system in zip(placed, systems, strict=True)
    ]
    decided, argmax = ([repeats[0][kind] for repeats in said] for kind in (0, 1))
    return Aligned(
        classes, ids, labels[0], decided, argmax, _cluster(placed, cluster), [repeats[1:] for repeats in said]
    )


def _chosen_problems(system: System, tasks: Sequence[str] | None) -> list[str]:
    there = [item.task.name for item in system.predictions.tasks]
    return [f"tasks: {name!r} is no task of {system.name}{nearest(name, there, what='tasks')}"
            for name in tasks or () if name not in there]  # fmt: skip


def _task_problems(first: System, other: System) -> list[str]:
    ours, theirs = ({item.task.name for item in system.predictions.tasks} for system in (first, other))
    if ours == theirs:
        return []
    there, missing = (first, other) if ours - theirs else (other, first)
    name = min(ours - theirs or theirs - ours)
    return [f"{missing.name}: has no task {name!r}, which {there.name} has; tasks=[...] compares those that all have"]


def _row_problems(first: System, other: System) -> list[str]:
    ours, theirs = _keys(first.predictions), _keys(other.predictions)
    if set(ours) == set(theirs):
        return _fold_problems(first, other)
    counts = f"{first.name} has {times(len(ours), 'row')}, {other.name} {len(theirs):,}"
    for there, names, missing, known in ((first, ours, other, set(theirs)), (other, theirs, first, set(ours))):
        for row, name in enumerate(names, 1):
            if name not in known:
                text = (
                    f"{other.name}: has other rows than {first.name}; the first difference is row {row} of {there.name}"
                )
                return [f"{text}, id {name!r}, which {missing.name} does not have ({counts})"]
    raise AssertionError("sets of ids that differ have a first difference")


def _fold_problems(first: System, other: System) -> list[str]:
    """Scores of folds are compared fold by fold, which needs the same rows in each."""
    if list(first.held_out) == list(other.held_out):
        return []
    if not (first.held_out and other.held_out):
        whole, single = (first, other) if first.held_out else (other, first)
        return [f"{single.name}: is no cross-validation, as {whole.name} is, so there are no folds to compare"]
    same = sum(ours == theirs for ours, theirs in zip(first.held_out, other.held_out, strict=False))
    counts = f"{same} of its {len(other.held_out)} hold out the same rows as those of {first.name}"
    return [f"{other.name}: has other folds ({counts}); folds, repeats and data.split have to be the same"]


def _classes(systems: Sequence[System], name: str) -> Task:
    """The task with the classes that the systems name; if none does, with all that occur."""
    of_systems = [(system, _task(system.predictions, name)) for system in systems]
    named = [(system, item) for system, item in of_systems if item.logits is not None or item.probabilities is not None]
    if not named:
        return Task(name, tuple(sorted({label for _, item in of_systems for label in item.task.classes})), name)
    first, reference = named[0]
    problems = []
    for system, item in of_systems:
        extra = [label for label in item.task.classes if label not in reference.task.classes]
        lacks = [label for label in reference.task.classes if label not in item.task.classes]
        if extra or (lacks and any(system is other for other, _ in named)):
            what = f"has the class {extra[0]!r}, which" if extra else f"lacks the class {lacks[0]!r}, which"
            problems.append(f"{system.name}: task {name!r} {what} {first.name} {'lacks' if extra else 'has'}")
    if problems:
        raise UserError(problems)
    return reference.task


def _label_problems(
    first: System,
    other: System,
    tasks: Sequence[Task],
    ids: Sequence[str],
    ours: np.ndarray,
    theirs: np.ndarray,
) -> list[str]:
    differs = ours != theirs
    rows = np.flatnonzero(differs.any(axis=1))
    if len(rows):
        row, t = int(rows[0]), int(np.argmax(differs[rows[0]]))
        said = [_label(tasks[t], int(labels[row, t])) for labels in (ours, theirs)]
        count = times(len(rows), "row differs", "rows differ")
        place = f"id {ids[row]!r}, task {tasks[t].name!r}"
        text = f"{other.name}: has other labels than {first.name}; by their ids, the first difference is {place}"
        return [f"{text}: {said[0]} in {first.name}, {said[1]} in {other.name} ({count})"]
    return []


def _text_problems(systems: Sequence[System], split: str) -> list[str]:
    """Fingerprints are of the rows in their order; a folder that was made by hand has none."""
    known = [(system, mark) for system in systems if (mark := system.fingerprint(split)) is not None]
    return [
        f"{other.name}: has the ids and labels of {first.name}, but other texts (data fingerprint {mark}, not {its})"
        for first, its in known[:1]
        for other, mark in known[1:]
        if mark != its and first.predictions.ids == other.predictions.ids
    ]


def _label(task: Task, index: int) -> str:
    return "no label" if index == IGNORE_INDEX else repr(task.classes[index])


def _keys(predictions: Predictions) -> list[str]:
    """The ids, however their characters are composed (NFC or NFD), unless that tells rows apart."""
    composed = list(map(normalize, predictions.ids))
    return composed if len(set(composed)) == len(composed) else predictions.ids


def _in_order(predictions: Predictions, ids: Sequence[str]) -> Predictions:
    if (keys := _keys(predictions)) == list(ids):
        return predictions
    place = {name: number for number, name in enumerate(keys)}
    return predictions.select(np.array([place[name] for name in ids], dtype=np.int64))


def _task(predictions: Predictions, name: str) -> TaskPredictions:
    return next(item for item in predictions.tasks if item.task.name == name)


def _labels(predictions: Predictions, tasks: Sequence[Task], names: Sequence[str]) -> np.ndarray:
    return np.stack(
        [_mapped(_task(predictions, name), task, "labels") for name, task in zip(names, tasks, strict=True)], axis=1
    )


def _decided(predictions: Predictions, tasks: Sequence[Task]) -> tuple[Decided, Decided]:
    """By its rules, each without the row's label, and by the largest logit."""
    decided, argmax = (
        [_mapped(_task(predictions, task.name), task, kind) for task in tasks] for kind in ("honest", "argmax")
    )
    return decided, argmax


def _mapped(item: TaskPredictions, task: Task, what: str) -> np.ndarray:
    """Class indices of ``item`` in the order of ``task``'s classes."""
    numbers = np.array([task.classes.index(name) for name in item.task.classes], dtype=np.int64)
    indices: np.ndarray = getattr(item, what)
    known = indices != IGNORE_INDEX
    return np.where(known, numbers[np.where(known, indices, 0)], IGNORE_INDEX)


def own_cluster(systems: Sequence[System]) -> tuple[str | None, list[str]]:
    """The column that the predictions themselves are grouped by, and a note if they name several.

    Of several it is the one with the fewest groups, in whatever order the systems come: rows that are wrongly taken for
    independent make a difference look sure.
    """
    groups = dict[str, int]()
    for system in systems:
        if (column := system.predictions.group) is not None and column not in groups:
            clusters = system.predictions.clusters
            assert clusters is not None
            groups[column] = len(np.unique(clusters))
    if not groups:
        return None, []
    chosen = min(groups, key=lambda column: (groups[column], column))
    named = ", ".join(sorted(groups))
    note = f"the predictions are grouped by several columns ({named}); {chosen}, with the fewest groups, was taken"
    return chosen, [note] if len(groups) > 1 else []


def _cluster(placed: Sequence[Predictions], column: str | None) -> np.ndarray | None:
    if column is None:
        return None
    for predictions in placed:
        if column in predictions.metadata:
            return replace(predictions, group=column).clusters
    there = dict.fromkeys(name for predictions in placed for name in predictions.metadata)
    raise UserError(f"cluster: no predictions have the column {column!r}{nearest(column, there, what='columns')}")
