"""Means over seeds: what other rows and other seeds would change, together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t as student

from polarity.statistics.interval import Interval


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


@dataclass(frozen=True)
class SeedVariance:
    """How far runs of one configuration lie apart, estimated from all compared configurations together.

    :param variance: between the runs of one configuration, on the same rows.
    :param interaction: the part of it that the rows decide.
    :param freedom: degrees of freedom, the sum of runs - 1.
    """

    variance: float
    interaction: float
    freedom: int

    @property
    def whole(self) -> float:
        """What one run adds to the variance; never less than what the rows decide, whatever chance made of few runs."""
        return max(self.variance, self.interaction)


def seed_variance(configurations: Sequence[Runs]) -> SeedVariance | None:
    """Pooled over the configurations that have several runs; None if none has."""
    several = [runs for runs in configurations if runs.count > 1 and not runs.fixed]
    if not several:
        return None
    weights = np.array([runs.count - 1 for runs in several])
    variance, interaction = (
        float(np.average([getattr(runs, name) for runs in several], weights=weights))
        for name in ("variance", "interaction")
    )
    return SeedVariance(variance, interaction, int(weights.sum()))


@dataclass(frozen=True)
class SeedEstimate:
    """A mean over seeds, or a difference of two, and the parts of its variance.

    :param rows: variance from the choice of rows, with the seeds as they are.
    :param units: rows (or groups of rows) that were resampled.
    :param seeds: what is known of the seed; None if nothing is, or if nothing depends on it.
    :param share: sum of 1 / runs over the configurations that have a seed.
    :param sides: how many of them have one, 1 or 2.
    :param hidden: standard error of what no resample of the rows shows, of
        :func:`~polarity.statistics.unseen.hidden_error`.
    """

    value: float
    rows: float
    units: float
    seeds: SeedVariance | None = None
    share: float = 0.0
    sides: int = 0
    hidden: float = 0.0

    @property
    def of_rows(self) -> float:
        """Variance from the choice of rows, seen and unseen."""
        return self.rows + self.hidden**2

    @property
    def between(self) -> float:
        """Variance from the choice of seeds, beyond what the rows decide."""
        return 0.0 if self.seeds is None else max(0.0, self.seeds.variance - self.seeds.interaction) * self.share

    @property
    def error(self) -> float:
        """Standard error."""
        return float(np.sqrt(self.of_rows + self.between))

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the whole: those of the parts, by their shares."""
        total = self.of_rows + self.between
        if self.seeds is None or total == 0:
            return max(self.units - 1, 1.0)
        part = min(1.0, self.seeds.whole * self.share / total)
        return 1 / (part / self.seeds.freedom + self.of_rows / total / max(self.units - 1, 1))

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


def mean_over_seeds(runs: Runs, units: float, pooled: SeedVariance | None) -> SeedEstimate:
    """The mean score of a configuration; see :func:`difference_over_seeds`.

    :param units: rows (or groups of rows) that were resampled.
    """
    return _estimate(float(runs.observed.mean()), runs.drawn.mean(axis=1), [runs], units, pooled)


def difference_over_seeds(
    first: Runs, second: Runs, units: float, pooled: SeedVariance | None, *, hidden: float = 0.0
) -> SeedEstimate:
    r"""The difference of two configurations' mean scores, second minus first.

    With m and n runs, s^2 the variance between the runs of one configuration on the rows at hand, and w^2 the part of
    it that comes from these rows (estimated by the bootstrap):

        Var = Var_rows(mean difference over bootstrap resamples of rows) + max(0, s^2 - w^2) (1 / m + 1 / n)

    Without the subtraction, what the rows decide between runs would count twice. Two or three runs know too little of
    s^2, so it is pooled over all compared configurations; where the runs of these two lie further apart than that, it
    is their own. w^2 is pooled, too. The degrees of freedom are those of the pool, f = sum of runs - 1, divided by
    q = max(s^2, w^2) (1 / m + 1 / n) / Var, the share of the seeds; Satterthwaite's q^2 gives too many where f is 1
    or 2 (simulated in ``benchmarks/family_error.py``). As q never leaves out what the rows decide, they do not jump
    where s^2 - w^2 is 0 by chance. A configuration with one run is taken to vary as the others do.

    For pooled variances and families of tests, Hochberg and Tamhane, Multiple Comparison Procedures, 1987; for the two
    sources of variance, Bouthillier et al., Accounting for Variance in Machine Learning Benchmarks, MLSys 2021.

    :param pooled: of all configurations that are compared, from :func:`seed_variance`.
    :param hidden: as of :class:`SeedEstimate`.
    """
    value = float(second.observed.mean() - first.observed.mean())
    drawn = second.drawn.mean(axis=1) - first.drawn.mean(axis=1)
    return replace(_estimate(value, drawn, [first, second], units, pooled), hidden=hidden)


def _estimate(
    value: float, drawn: np.ndarray, sides: Sequence[Runs], units: float, pooled: SeedVariance | None
) -> SeedEstimate:
    rows = float(drawn.var(ddof=1))
    seeded = [side for side in sides if not side.fixed]
    if pooled is None or not seeded:
        return SeedEstimate(value, rows, units)
    own = [side.variance for side in seeded if side.count > 1]
    variance = max(pooled.variance, float(np.mean(own))) if own else pooled.variance
    seeds = SeedVariance(variance, pooled.interaction, pooled.freedom)
    return SeedEstimate(value, rows, units, seeds, sum(1 / side.count for side in seeded), len(seeded))
