"""Means over seeds: what other rows and other seeds would change, together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from polarity.evaluation.statistics.interval import Interval


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds, or a difference of two, and the parts of its variance.

    :param rows: variance from the choice of rows, with the seeds as they are.
    :param between: variance from the choice of seeds beyond it.
    :param interaction: the part of ``rows`` that more seeds would average out.
    :param freedom: degrees of freedom of the whole.
    """

    value: float
    rows: float
    between: float
    interaction: float
    freedom: float

    @property
    def error(self) -> float:
        """Standard error."""
        return float(np.sqrt(self.rows + self.between))

    def interval(self, confidence: float = 0.95, lowest: float = -1.0) -> Interval:
        """Student's interval, cut to what is possible: from ``lowest`` (0 for a score, -1 for a difference) to 1."""
        reach = float(student.ppf((1 + confidence) / 2, self.freedom)) * self.error
        return Interval(max(lowest, self.value - reach), min(1.0, self.value + reach))

    @property
    def p(self) -> float:
        """Two-sided p-value of the value being 0."""
        if self.error == 0:
            return 1.0 if self.value == 0 else 0.0
        return float(2 * student.sf(abs(self.value) / self.error, self.freedom))


@dataclass(frozen=True)
class Runs:
    """One score of the runs of one configuration.

    :param observed: on the rows as they are, ``[runs]``.
    :param drawn: on resampled rows, ``[resamples, runs]``; the same resamples in every :class:`Runs`.
    :param fixed: whether there is no seed at all, as for a baseline.
    """

    observed: np.ndarray
    drawn: np.ndarray
    fixed: bool = False

    @property
    def count(self) -> int:
        """How many runs there are."""
        return len(self.observed)

    @property
    def variance(self) -> float:
        """Between runs, on the same rows."""
        return float(self.observed.var(ddof=1))

    @property
    def interaction(self) -> float:
        """The part of :attr:`variance` that is there because runs err on other rows, so that the rows decide it."""
        centred = self.drawn - self.drawn.mean(axis=1, keepdims=True)
        return float(centred.var(axis=0, ddof=1).sum() / (self.count - 1))


def mean_over_seeds(runs: Runs, units: float) -> Estimate:
    """The mean score of a configuration.

    :param units: rows (or groups of rows) that were resampled.
    """
    return _estimate(float(runs.observed.mean()), runs.drawn.mean(axis=1), [runs], units)


def difference_over_seeds(first: Runs, second: Runs, units: float) -> Estimate:
    r"""The difference of two configurations' mean scores, second minus first.

    With m and n runs, s^2 the variance between the runs of one configuration on the rows at hand, and w^2 the part of
    it that comes from these rows (estimated by the bootstrap):

        Var = Var_rows(mean difference over bootstrap resamples of rows) + max(0, s_A^2 - w_A^2) / m
              + max(0, s_B^2 - w_B^2) / n

    and degrees of freedom as Welch and Satterthwaite have them. Without the subtraction, what the rows decide between
    runs would count twice. A configuration with one run is taken to vary as the other one does.

    Welch, The generalization of Student's problem, Biometrika 1947; for the two sources of variance, Bouthillier et
    al., Accounting for Variance in Machine Learning Benchmarks, MLSys 2021.
    """
    value = float(second.observed.mean() - first.observed.mean())
    return _estimate(value, second.drawn.mean(axis=1) - first.drawn.mean(axis=1), [first, second], units)


def seeds_known(first: Runs, second: Runs) -> bool:
    """Whether the variance of the seed is known: neither configuration has a seed, or one of them has several runs."""
    several = first.count > 1 or second.count > 1
    return several or (first.fixed and second.fixed)


def _estimate(value: float, drawn: np.ndarray, sides: Sequence[Runs], units: float) -> Estimate:
    rows = float(drawn.var(ddof=1))
    lent = next((side for side in sides if side.count > 1), None)
    between = interaction = 0.0
    uncertain = rows**2 / max(units - 1, 1)
    weights: dict[int, float] = {}
    sources = {}
    for side in sides:
        source = side if side.count > 1 else lent
        if source is not None and not side.fixed:
            weights[id(source)] = weights.get(id(source), 0.0) + 1 / side.count
            sources[id(source)] = source
    for key, source in sources.items():
        between += max(0.0, source.variance - source.interaction) * weights[key]
        interaction += source.interaction * weights[key]
        uncertain += (source.variance * weights[key]) ** 2 / (source.count - 1)
    total = rows + between
    freedom = total**2 / uncertain if uncertain > 0 else float(max(units - 1, 1))
    return Estimate(value, rows, between, min(interaction, rows), freedom)
