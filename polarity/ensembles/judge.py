"""Is an ensemble better than its best member? Judged on validation rows that nothing was fitted or chosen on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from polarity.ensembles.candidates import MemberRows
from polarity.evaluation.metrics import score
from polarity.posthoc.folds import stratified_folds
from polarity.posthoc.gain import Gain, overall_gain

Decided = Sequence[np.ndarray]
"""Class indices ``[rows]``, one array per task."""

FOLDS, SEED = 5, 0


@dataclass(frozen=True)
class Judged:
    """What came of judging.

    :param best: name of the best member.
    :param kept: name of the way that is kept; None for the best member alone.
    :param gains: of each way over the best member, cross-fitted.
    :param over_best: the same over the member that is the best on all rows, which is what the table shows.
    :param reference: decisions ``[rows]`` per task of the best member, chosen for each fold by the others.
    :param honest: those of the whole procedure, fitted without the row's fold and judged by the other folds. The
        decisions of these come from fits that saw the row's fold: nothing is fitted anew for each pair of folds.
    :param honest_gain: of these over the best member.
    :param needed: standard errors that a gain had to exceed; None if the way was asked for whatever it gains.
    """

    best: str
    kept: str | None
    gains: dict[str, Gain]
    over_best: dict[str, float]
    reference: Decided
    honest: Decided
    honest_gain: Gain
    needed: float | None

    @property
    def closest(self) -> str:
        """Name of the way that is kept, or of the one that came closest to it."""
        return self.kept or max(self.gains, key=lambda name: self.gains[name].value)


def deal(members: MemberRows) -> np.ndarray:
    """The fold of each row: stratified by the labels of all tasks together; groups stay whole."""
    rows = members.rows
    _, together = np.unique(rows.labels, axis=0, return_inverse=True)
    units = len(rows) if rows.clusters is None else len(np.unique(rows.clusters))
    return stratified_folds(rows.ids, together.reshape(-1), min(FOLDS, units), SEED, rows.clusters)


def judge(
    members: MemberRows,
    decided: Mapping[str, Decided],
    folds: np.ndarray,
    *,
    alone: Sequence[str],
    ways: Sequence[str],
    standard_errors: float | None,
) -> Judged:
    """Compare ways to make one system with the best member, and keep the best one if its gain is convincing.

    The best member is chosen for each fold by the others; nor may any member be better on all rows. Of several ways the
    best is looked at, so that each has to gain more: as much as chance alone exceeds as rarely in any of them
    (Bonferroni).

    :param decided: cross-fitted decisions ``[rows]`` per task of each member and way, by name: those of
        :meth:`~polarity.ensembles.candidates.Rulings.decided`.
    :param folds: number of each row's fold, ``[rows]``.
    :param alone: names of the members.
    :param ways: of the ways, the simplest first; of equal gains the first counts.
    :param standard_errors: that the cross-fitted gain of one way has to exceed; None keeps the best way in any case.
    """
    needed = None if standard_errors is None else float(norm.isf(norm.sf(standard_errors) / len(ways)))
    bench = _Bench(members, folds, decided, alone, ways, needed)
    everywhere = np.ones(len(members.rows), dtype=bool)
    reference = bench.reference(everywhere)
    gains = bench.gains(reference, everywhere)
    honest, best = bench.honest(), bench.best(everywhere)
    return Judged(
        best=best,
        kept=bench.choice(gains, everywhere),
        gains=gains,
        over_best={name: bench.gain(decided[best], decided[name], everywhere).value for name in ways},
        reference=reference,
        honest=honest,
        honest_gain=bench.gain(reference, honest, everywhere),
        needed=needed,
    )


@dataclass(frozen=True)
class _Bench:
    members: MemberRows
    folds: np.ndarray
    decided: Mapping[str, Decided]
    alone: Sequence[str]
    ways: Sequence[str]
    needed: float | None

    def best(self, inside: np.ndarray) -> str:
        """The member with the best score on the rows ``inside``."""
        labels = self.members.rows.labels[inside]

        def reached(name: str) -> float:
            return score(self.members.tasks, labels, [own[inside] for own in self.decided[name]]).overall

        return max(self.alone, key=reached)

    def reference(self, inside: np.ndarray) -> list[np.ndarray]:
        """Decisions of the member that is the best on the other folds, for the rows ``inside``."""
        made = [own.copy() for own in self.decided[self.alone[0]]]
        for fold in np.unique(self.folds[inside]):
            best = self.best(inside & (self.folds != fold))
            self._place(made, fold, self.decided[best])
        return made

    def gains(self, reference: Decided, inside: np.ndarray) -> dict[str, Gain]:
        return {name: self.gain(reference, self.decided[name], inside) for name in self.ways}

    def gain(self, first: Decided, second: Decided, inside: np.ndarray) -> Gain:
        clusters = self.members.rows.clusters
        before, after = ([own[inside] for own in decided] for decided in (first, second))
        groups = None if clusters is None else clusters[inside]
        return overall_gain(self.members.tasks, self.members.rows.labels[inside], before, after, groups)

    def choice(self, gains: Mapping[str, Gain], inside: np.ndarray) -> str | None:
        """The way with the largest gain, if that is large enough, and no member has a better score on these rows.

        Of members that are nearly equal, the best on the other folds tends to be the worse one on a fold: a way may be
        better than what was chosen so, and worse than each of them.
        """
        name = max(gains, key=lambda name: gains[name].value)
        if self.needed is None:
            return name
        ahead = self.gain(self.decided[self.best(inside)], self.decided[name], inside).value > 0
        return name if ahead and gains[name].exceeds(self.needed) else None

    def honest(self) -> list[np.ndarray]:
        """Each fold as the others alone would have had it: their choice of a way, or of a member."""
        made = [own.copy() for own in self.decided[self.alone[0]]]
        for fold in np.unique(self.folds):
            others = self.folds != fold
            chosen = self.choice(self.gains(self.reference(others), others), others) or self.best(others)
            self._place(made, fold, self.decided[chosen])
        return made

    def _place(self, made: Decided, fold: int, decided: Decided) -> None:
        for own, new in zip(made, decided, strict=True):
            own[self.folds == fold] = new[self.folds == fold]
