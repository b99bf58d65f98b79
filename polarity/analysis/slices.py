"""Scores within parts of the rows: each class of another task, each value of a metadata column, ranges of length."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from polarity.analysis.result import Slice, SliceScore, Slicing, SlicingKind
from polarity.analysis.scoring import Bootstrap, estimate
from polarity.evaluation.metrics import score
from polarity.evaluation.predictions import Predictions, TaskPredictions
from polarity.wording import times

MOST_VALUES = 30
"""A metadata column with more values than this is an id or a text, not a property to slice by."""

FEWEST_ROWS = 30
"""A part with fewer labelled rows has no interval of macro-F1: resampling few rows finds far too narrow ones."""

LENGTH_PARTS = 5
TOKENS = "tokens"


def slicings(predictions: Predictions, bootstrap: Bootstrap, notes: list[str]) -> tuple[Slicing, ...]:
    """All slicings, by the honest decisions; ``notes`` says which were left out.

    Intervals within a slice are those of its own rows.
    """
    made = [_given(predictions, item, bootstrap) for item in predictions.tasks if len(predictions.tasks) > 1]
    for one, two in combinations(predictions.tasks, 2):
        if not (one.known & two.known).any():
            notes.append(f"no slices of {two.task.name} given {one.task.name}, or the reverse: no row has both labels")
    for name, cells in predictions.metadata.items():
        values = Counter(cells)
        if len(values) > MOST_VALUES:
            notes.append(f"no slices by {name!r}: it has {times(len(values), 'value')}, more than {MOST_VALUES}")
        elif len(values) > 1:
            array = np.array(cells, dtype=object)
            parts = [(value, array == value) for value in sorted(values, key=lambda value: (-values[value], value))]
            made.append(_slicing("metadata", name, predictions, predictions.tasks, parts, bootstrap))
    if predictions.tokens is None:
        notes.append("no slices by length: the file does not tell the number of tokens")
    elif len(predictions):
        parts = list(length_parts(predictions.tokens))
        made.append(_slicing("length", TOKENS, predictions, predictions.tasks, parts, bootstrap))
    return tuple(made)


def length_parts(tokens: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Ranges of length with about as many rows each: their names, and which rows lie in them.

    :param tokens: int ``[rows]``.
    """
    shares = np.linspace(0, 1, LENGTH_PARTS + 1)[1:]
    ends = np.unique(np.quantile(tokens, shares, method="lower"))
    first = int(tokens.min())
    for end in ends.tolist():
        yield (f"{first}-{end}" if end > first else str(end)), (tokens >= first) & (tokens <= end)
        first = int(end) + 1


def _given(predictions: Predictions, given: TaskPredictions, bootstrap: Bootstrap) -> Slicing:
    """The other tasks within the rows of each class of one task."""
    parts = [(name, given.labels == c) for c, name in enumerate(given.task.classes)]
    others = [item for item in predictions.tasks if item is not given]
    return _slicing("task", given.task.name, predictions, others, parts, bootstrap)


def _slicing(
    kind: SlicingKind,
    by: str,
    predictions: Predictions,
    scored: Sequence[TaskPredictions],
    parts: Sequence[tuple[str, np.ndarray]],
    bootstrap: Bootstrap,
) -> Slicing:
    names = [item.task.name for item in scored]
    made = [Slice(value, int(inside.sum()), _scores(predictions, inside, names, bootstrap)) for value, inside in parts]
    return Slicing(kind, by, tuple(made))


def _scores(
    predictions: Predictions, inside: np.ndarray, names: Sequence[str], bootstrap: Bootstrap
) -> tuple[SliceScore, ...]:
    part = predictions.select(inside)
    decided = [item.honest for item in part.tasks]
    scores = score([item.task for item in part.tasks], part.labels, decided)
    known = bootstrap.intervals(part, decided)
    made = []
    for name in names:
        task = scores.tasks[name]
        interval = None if known is None else known.tasks[name]
        made.append(
            SliceScore(
                task=name,
                rows=task.rows,
                macro_f1=estimate(task.macro_f1, interval.macro_f1 if interval and task.rows >= FEWEST_ROWS else None),
                accuracy=estimate(task.accuracy, interval.accuracy if interval else None),
                per_class=tuple(
                    estimate(value.f1, interval.per_class[label].f1 if interval and value.support else None)
                    for label, value in task.per_class.items()
                ),
                support=tuple(value.support for value in task.per_class.values()),
                absent=tuple(label for label, value in task.per_class.items() if not value.support),
            )
        )
    return tuple(made)
