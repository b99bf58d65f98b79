"""Two systems on the same rows: how far apart they are, and whether that can be chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polarity.evaluation.predictions import Predictions
from polarity.statistics.counts import Counts
from polarity.statistics.interval import Interval
from polarity.statistics.percentile import sample_interval, sample_p
from polarity.statistics.randomisation import randomise
from polarity.statistics.resample import resample
from polarity.statistics.unseen import hidden_error


@dataclass(frozen=True)
class Difference:
    """A score of the second system minus that of the first, with its interval and a p-value of no difference.

    :param interval: None where all rows are of one group; then the p-value is 1.
    :param p: share of random swaps of the two systems' rows with a difference as large; of rows in groups, that of the
        interval.
    :param hidden: standard error of what none of the rows shows, which is in the interval.
    """

    value: float
    interval: Interval | None
    p: float
    hidden: float = 0.0


UNLABELLED = Difference(0.0, None, 1.0, 0.0)
"""Of a task without a labelled row nothing is known."""


@dataclass(frozen=True)
class PairedResult:
    """Comparison of two single runs on the same rows; the variance of training's seed is not in it.

    :param overall: difference of overall macro-F1, second minus first.
    :param tasks: difference of macro-F1, by task.
    """

    overall: Difference
    tasks: dict[str, Difference]


def paired_difference(
    rows: Predictions,
    first: Sequence[np.ndarray],
    second: Sequence[np.ndarray],
    *,
    resamples: int = 2000,
) -> PairedResult:
    """Compare two systems' decisions.

    :param rows: tasks, labels and groups of the rows; whole groups are drawn.
    :param first: class indices ``[rows]``, one array per task.
    :param second: as ``first``.
    """
    tasks = [item.task for item in rows.tasks]
    counts = Counts(tasks, rows.labels, [first, second], rows.clusters)
    observed, drawn = counts.observed(), resample(counts, resamples, seed=0)
    swapped = randomise(counts, [(0, 1)], resamples, seed=0)

    def difference(observed: np.ndarray, drawn: np.ndarray, p: float, task: int | None = None) -> Difference:
        value, values = float(observed[1] - observed[0]), drawn[:, 1] - drawn[:, 0]
        hidden = hidden_error(counts, [0], [1], task)
        interval = sample_interval(value, values, counts, task=task, lowest=-1.0, hidden=hidden)
        if rows.clusters is not None:  # among 2^groups swaps of whole groups hardly one is rare enough
            p = sample_p(value, values, counts, task=task, hidden=hidden)
        return Difference(value, interval, p, hidden)

    overall = difference(observed.overall[0], drawn.overall, float(swapped.overall[0]))
    by_task = {
        task.name: difference(observed.macro_f1[0, :, t], drawn.macro_f1[:, :, t], float(swapped.macro_f1[0, t]), t)
        if counts.labelled[t]
        else UNLABELLED
        for t, task in enumerate(tasks)
    }
    return PairedResult(overall, by_task)
