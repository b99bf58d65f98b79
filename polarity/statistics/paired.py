"""Two systems on the same rows: how far apart they are, and whether that can be chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polarity.evaluation.predictions import Predictions
from polarity.statistics.counts import Counts
from polarity.statistics.interval import Interval
from polarity.statistics.mcnemar import McNemar, mcnemar
from polarity.statistics.percentile import sample_interval, sample_p
from polarity.statistics.randomisation import randomise
from polarity.statistics.resample import resample
from polarity.tasks import IGNORE_INDEX


@dataclass(frozen=True)
class Difference:
    """A score of the second system minus that of the first, with its interval and two p-values of no difference.

    :param interval: None where all rows are of one group; then neither p-value is below 1.
    :param p_bootstrap: share of paired resamples on the other side of 0, twice.
    :param p_randomisation: share of random swaps of the two systems' rows with a difference as large.
    """

    value: float
    interval: Interval | None
    p_bootstrap: float
    p_randomisation: float


@dataclass(frozen=True)
class PairedResult:
    """Comparison of two single runs on the same rows; the variance of training's seed is not in it.

    :param overall: difference of overall macro-F1, second minus first.
    :param tasks: difference of macro-F1, by task.
    :param mcnemar: comparison of errors, by task; empty where rows are grouped, since it takes them as independent.
    """

    overall: Difference
    tasks: dict[str, Difference]
    mcnemar: dict[str, McNemar]


def paired_difference(
    rows: Predictions,
    first: Sequence[np.ndarray],
    second: Sequence[np.ndarray],
    *,
    resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> PairedResult:
    """Compare two systems' decisions.

    :param rows: tasks, labels and groups of the rows; whole groups are drawn and swapped.
    :param first: class indices ``[rows]``, one array per task.
    :param second: as ``first``.
    """
    tasks, labels, groups = [item.task for item in rows.tasks], rows.labels, rows.clusters
    counts = Counts(tasks, labels, [first, second], groups)
    observed, drawn = counts.observed(), resample(counts, resamples, seed)
    swapped = randomise(counts, [(0, 1)], resamples, seed)

    def difference(observed: np.ndarray, drawn: np.ndarray, p: float, task: int | None = None) -> Difference:
        value, values = float(observed[1] - observed[0]), drawn[:, 1] - drawn[:, 0]
        interval = sample_interval(value, values, counts, confidence, task=task, lowest=-1.0)
        return Difference(value, interval, sample_p(value, values, counts, task=task), p)

    overall = difference(observed.overall[0], drawn.overall, float(swapped.overall[0]))
    by_task = {
        task.name: difference(observed.macro_f1[0, :, t], drawn.macro_f1[:, :, t], float(swapped.macro_f1[0, t]), t)
        for t, task in enumerate(tasks)
    }
    errors = {}
    if groups is None:
        for t, task in enumerate(tasks):
            known = labels[:, t] != IGNORE_INDEX
            errors[task.name] = mcnemar(labels[known, t], first[t][known], second[t][known])
    return PairedResult(overall, by_task, errors)
