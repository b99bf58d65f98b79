"""What the best of several scores is worth, when it was chosen on the rows that it is a score of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polarity.statistics.counts import Counts, Statistics, blocks
from polarity.statistics.interval import UNKNOWN, Interval
from polarity.statistics.resample import draws

RESAMPLES = 2000


@dataclass(frozen=True)
class Selection:
    """The configuration with the highest score among ``of``, chosen on the rows at hand.

    :param number: of the chosen configuration.
    :param of: how many there were to choose from.
    :param score: its overall score on these rows.
    :param optimism: how much of it is there because it was chosen by it; never below 0.
    :param equal: how many others have the same score.
    """

    number: int
    of: int
    score: float
    optimism: float
    equal: int = 0

    @property
    def corrected(self) -> float:
        """The score that further rows may be expected to give."""
        return self.score - self.optimism

    def interval(self, ordinary: Interval) -> Interval:
        """The interval of the corrected score: the ordinary one of the score, moved."""
        if ordinary == UNKNOWN:
            return UNKNOWN
        high = ordinary.high if ordinary.high == 1.0 else ordinary.high - self.optimism  # an end that was cut stays
        return Interval(max(0.0, ordinary.low - self.optimism), max(0.0, high))


def select_best(
    counts: Counts,
    configurations: Sequence[Sequence[int]],
    *,
    between: Sequence[float] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Selection:
    r"""The best configuration by mean overall score, and its optimism by bootstrap bias corrected selection.

    In each resample of the rows (or groups of rows) the best configuration is chosen on the rows that were drawn, and
    scored on those that were not, which took no part in its choice:

    .. math:: \text{optimism} = \theta_{c} - \operatorname{mean}_b
        \left(\theta_{c_b} + \theta_{c_b}^{(-b)} - \bar\theta_{c_b}^{(-)}\right)

    where theta is a score on all rows, :math:`\theta^{(-b)}` one on the rows that resample b left out, and
    :math:`\bar\theta^{(-)}` its mean over the resamples. The last two stand for :math:`\theta^{(-b)}` alone as the
    source has it, and take out that macro-F1 of a third of the rows is lower.

    Runs differ by their seed as well. Where that variance is known, a choice is made with noise of its size added, and
    scored with the same noise taken away, which makes the two independent (Leiner et al., Data Fission, JASA 2023).

    Tsamardinos, Greasidou and Borboudakis, Bootstrapping the out-of-sample predictions for efficient and accurate
    cross-validation, Machine Learning 2018.

    :param configurations: numbers of the systems of each.
    :param between: variance of each configuration's mean from the choice of its seeds; None if it is not known.
    """
    generator = np.random.default_rng([seed, 3])

    def means(statistics: Statistics) -> np.ndarray:
        return np.stack([statistics.overall[:, list(members)].mean(axis=1) for members in configurations], axis=1)

    observed = means(counts.observed())[0]
    spread = np.sqrt(np.zeros(len(observed)) if between is None else np.asarray(between))
    rank = observed.argsort(kind="stable").argsort()  # so that the order in which they are given changes nothing
    chosen, outside = [], []
    for size in blocks(resamples, counts.units):
        drawn = draws(generator, size, counts.units)
        noise = generator.normal(size=(size, len(observed)))[:, rank] * spread
        chosen.append((means(counts.statistics(drawn @ counts.matrix)) + noise).argmax(axis=1))
        outside.append(means(counts.statistics((drawn == 0).astype(np.float32) @ counts.matrix)) - noise)
    picked, left_out = np.concatenate(chosen), np.concatenate(outside)
    moved = left_out - left_out.mean(axis=0) + observed
    best = int(observed.argmax())
    expected = float(moved[np.arange(len(picked)), picked].mean())
    optimism, equal = max(0.0, float(observed[best]) - expected), int((observed == observed[best]).sum()) - 1
    return Selection(best, len(observed), float(observed[best]), optimism, equal)
