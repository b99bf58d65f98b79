"""What makes validation and test differ from training: other shares of classes and values, and what only one has."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.stats import chi2_contingency

from polarity.confusion import class_counts
from polarity.data.features import KINDS, FeatureKind
from polarity.inspection.groups import looks_like_groups
from polarity.inspection.pool import Pool
from polarity.inspection.result import Finding
from polarity.tasks import IGNORE_INDEX, Task
from polarity.wording import percent, times

MOST_VALUES = 200
"""A column with more values than that is no property by which rows could be described."""

FEWEST = 20
"""Rows of a value below which its classes say little."""

LEVEL, DISTANCE = 0.001, 0.05
"""A difference is told if chance makes one as large in fewer cases, and if the shares differ by so much in all."""

FEW_NUMBERS = 12
"""Up to so many different numbers or dates may be names: stars, years, groups of age."""
MEASURED: Sequence[FeatureKind] = ("number", "date")

SHOWN = 5

Values = Sequence[tuple[str, int]]
"""Cells of a column, and how many rows have each."""


def shifts(pool: Pool) -> Iterator[Finding]:
    """Differences from the training rows, the largest of each kind first."""
    if "train" not in pool.names:
        return
    train = pool.split == pool.names.index("train")
    for split, rows in pool.by_split():
        if split != "train":
            other = np.zeros(len(pool), dtype=bool)
            other[rows] = True
            yield from _classes(pool, split, train, other)
            for column in properties(pool):
                yield from _values(pool, column, split, train, other)
    for column in properties(pool):
        yield from _unlabelled(pool, column, train)


def properties(pool: Pool) -> list[str]:
    """Metadata columns with few values, each for many rows: a language, a source, a target."""
    return [
        name
        for name, cells in pool.rows.metadata.items()
        if 1 < len(set(cells)) <= min(MOST_VALUES, len(cells) / 2)
        and not looks_like_groups(name, cells)
        and not _is_measured(cells)
    ]


def _is_measured(cells: Sequence[str]) -> bool:
    """Whether cells are numbers or dates, of which others may well have values that training has not."""
    values = sorted(set(cells))
    return len(values) > FEW_NUMBERS and any(not KINDS[kind].unreadable(values) for kind in MEASURED)


def distance(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Total variation distance of two rows of counts, half the sum of the shares' differences, and its p-value.

    The p-value is that of Pearson's chi-squared test of one distribution.
    """
    table = np.stack([first, second])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return 0.0, 1.0
    shares = table / table.sum(axis=1, keepdims=True)
    return float(np.abs(shares[0] - shares[1]).sum() / 2), float(chi2_contingency(table, correction=False).pvalue)


def _classes(pool: Pool, split: str, train: np.ndarray, other: np.ndarray) -> Iterator[Finding]:
    """Classes of each task, over all rows and within the values of each property."""
    for number, task in enumerate(pool.tasks):
        labels = pool.rows.labels[:, number]
        if text := _shift_text(task, labels, train, other):
            yield Finding("warning", "counts", f"{split}: {task.name} has other shares than in training: {text}")
        within = []
        for column in properties(pool):
            cells = np.array(pool.rows.metadata[column], dtype=object)
            for value in sorted({cell for cell in cells[other] if cell}):
                here = cells == value
                if min(int((here & part).sum()) for part in (train, other)) >= FEWEST:
                    found = distance(*(class_counts(labels[here & part], len(task.classes)) for part in (train, other)))
                    if text := _shift_text(task, labels, here & train, here & other):
                        named = f"{column}={value}" if pool.show_texts else f"a value of {column}"
                        within.append((found[0], f"{named} ({text})"))
        if within:
            listed = "; ".join(text for _, text in sorted(within, reverse=True)[:SHOWN])
            yield Finding("note", "counts", f"{split}: {task.name} has other shares than in training within {listed}")


def _shift_text(task: Task, labels: np.ndarray, train: np.ndarray, other: np.ndarray) -> str:
    """``calm 31% (training 45%), ..., 12% of the rows would have to change``; empty where nothing is to tell."""
    before, after = (class_counts(labels[part], len(task.classes)) for part in (train, other))
    apart, p = distance(before, after)
    if p >= LEVEL or apart < DISTANCE:
        return ""
    moved = after / after.sum() - before / before.sum()
    largest = np.argsort(-np.abs(moved))[:SHOWN]
    shares = [
        f"{task.classes[c]} {percent(after[c] / after.sum())} ({percent(before[c] / before.sum())})" for c in largest
    ]
    return f"{', '.join(shares)}; total variation distance {apart:.2f}"


def _values(pool: Pool, column: str, split: str, train: np.ndarray, other: np.ndarray) -> Iterator[Finding]:
    """Values that training lacks, and shares of values that differ."""
    cells = np.array(pool.rows.metadata[column], dtype=object)
    names = sorted(set(cells[train]) | set(cells[other]))
    before, after = (np.array([int((cells[part] == name).sum()) for name in names]) for part in (train, other))
    unseen = [(name, int(count)) for name, count, seen in zip(names, after, before, strict=True) if not seen]
    if unseen := [pair for pair in unseen if pair[1]]:
        text = f"{split}: {_rows(unseen)} of {column} that training has not{_listed(pool, unseen)}"
        yield Finding("warning", "counts", text)
    apart, p = distance(before, after)
    if p < LEVEL and apart >= DISTANCE:
        text = f"{split}: {column} has other shares than in training; total variation distance {apart:.2f}"
        yield Finding("note", "counts", text)


def _unlabelled(pool: Pool, column: str, train: np.ndarray) -> Iterator[Finding]:
    """Values whose training rows all lack the label of a task that others have."""
    cells = np.array(pool.rows.metadata[column], dtype=object)
    for number, task in enumerate(pool.tasks):
        known = pool.rows.labels[:, number] != IGNORE_INDEX
        if not (known & train).any():
            continue
        if bare := _without(cells, train, known):
            listed = _listed(pool, bare)
            text = f"train: none of the {_rows(bare)} of {column} has a label of {task.name}{listed}"
            yield Finding("warning", "counts", text)


def _rows(values: Values) -> str:
    return f"{times(sum(count for _, count in values), 'row')} with {times(len(values), 'value')}"


def _listed(pool: Pool, values: Values) -> str:
    """``: de (40), fr (3) and 2 more``, the most frequent first; empty where cells of the data are not shown."""
    if not pool.show_texts:
        return ""
    ranked = sorted(values, key=lambda pair: -pair[1])[:SHOWN]
    listed = ", ".join(f"{name or '(none)'} ({count:,})" for name, count in ranked)
    return f": {listed} and {len(values) - SHOWN} more" if len(values) > SHOWN else f": {listed}"


def _without(cells: np.ndarray, train: np.ndarray, known: np.ndarray) -> Values:
    names = sorted(set(cells[train]))
    rows = {name: cells[train] == name for name in names}
    bare = [(str(name), int(here.sum())) for name, here in rows.items() if not known[train][here].any()]
    return [pair for pair in bare if pair[1] >= FEWEST]
