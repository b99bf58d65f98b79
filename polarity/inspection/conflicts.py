"""The same text with several labels."""

import numpy as np

from polarity.inspection.duplicates import SHOWN, members
from polarity.inspection.pool import Pool
from polarity.inspection.result import Conflict, Conflicts, Kind
from polarity.tasks import IGNORE_INDEX


def conflicts(pool: Pool, most: int | None) -> Conflicts:
    """Groups of duplicates whose labels differ.

    :param most: groups kept as examples of each task; None for all.
    """
    groups: dict[str, dict[Kind, int]] = {}
    rows: dict[str, dict[Kind, int]] = {}
    examples: list[Conflict] = []
    for number, task in enumerate(pool.tasks):
        found = _conflicting(pool, pool.rows.labels[:, number])
        groups[task.name] = {kind: len(parts) for kind, parts in found.items()}
        rows[task.name] = {kind: sum(map(len, parts)) for kind, parts in found.items()}
        of_task = [_example(pool, number, kind, part) for kind, parts in found.items() for part in parts]
        examples += sorted(of_task, key=lambda one: -one.size)[:most]
    return Conflicts(groups, rows, tuple(examples))


def _conflicting(pool: Pool, labels: np.ndarray) -> dict[Kind, list[np.ndarray]]:
    """The labelled rows of each group with several labels, by what links them."""
    known = np.flatnonzero(labels != IGNORE_INDEX)

    def differing(numbers: np.ndarray) -> list[np.ndarray]:
        parts = [known[part] for part in members(numbers[known])]
        return [part for part in parts if len(np.unique(labels[part])) > 1]

    exact = differing(pool.text)
    covered = {int(pool.group[part[0]]) for part in exact}
    return {"exact": exact, "near": [part for part in differing(pool.group) if int(pool.group[part[0]]) not in covered]}


def _example(pool: Pool, number: int, kind: Kind, rows: np.ndarray) -> Conflict:
    task, labels = pool.tasks[number], pool.rows.labels[rows, number]
    _, first = np.unique(labels, return_index=True)
    varied = [*np.sort(first).tolist(), *np.setdiff1d(np.arange(len(rows)), first).tolist()][:SHOWN]  # each label once
    shown = tuple(pool.row(int(rows[place])) for place in varied)
    return Conflict(task.name, kind, len(rows), shown, tuple(task.classes[labels[place]] for place in varied))
