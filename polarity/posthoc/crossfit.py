"""Decisions about rows by calibrations and rules that were fitted without them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from polarity.calibration.base import Calibration
from polarity.calibration.scaling import Scaling
from polarity.decisions.base import Decision
from polarity.decisions.rules import LargestLogit, Rule
from polarity.posthoc.folds import stratified_folds
from polarity.posthoc.gain import Gain, gain
from polarity.tasks import Task


@dataclass(frozen=True)
class LabelledRows:
    """Rows of one task that all have a label.

    :param logits: float64 ``[rows, classes]``, raw.
    :param labels: class indices ``[rows]``.
    :param groups: number of each row's group, ``[rows]``; None where rows are independent.
    """

    task: Task
    ids: Sequence[str]
    logits: np.ndarray
    labels: np.ndarray
    groups: np.ndarray | None = None

    @property
    def units(self) -> int:
        """Rows, or groups of them, that can be left out."""
        return len(self.labels if self.groups is None else np.unique(self.groups))

    def gain(self, first: np.ndarray, second: np.ndarray) -> Gain:
        """The gain in macro-F1 of deciding these rows by ``second``."""
        return gain(self.task, self.labels, first, second, self.groups)

    @property
    def argmax(self) -> np.ndarray:
        """What the raw logits decide, int64 ``[rows]``."""
        return np.asarray(self.logits.argmax(axis=1))

    def select(self, chosen: np.ndarray) -> Self:
        """The rows where ``chosen`` is true."""
        ids = [name for name, wanted in zip(self.ids, chosen.tolist(), strict=True) if wanted]
        groups = None if self.groups is None else self.groups[chosen]
        return replace(self, ids=ids, logits=self.logits[chosen], labels=self.labels[chosen], groups=groups)


@dataclass(frozen=True)
class FittingMethod:
    """How a task's rows are calibrated and decided, and how that is judged.

    :param folds: parts that the rows are dealt into, one left out in turn; as many as there are groups, if these are
        fewer.
    :param seed: of the folds.
    :param evidence: whether to tell what was judged, and what is decided where even that was judged without a row's
        fold, which takes many more fits.
    :param counts: labelled rows of each class in all, of which those that are fitted may be a part; None where they are
        all. See :meth:`~polarity.decisions.base.Decision.fit_part`.
    """

    calibration: Calibration
    decision: Decision
    folds: int
    seed: int
    evidence: bool = True
    counts: np.ndarray | None = None

    def fit(self, rows: LabelledRows) -> tuple[Scaling, Rule]:
        """Calibration and rule of these rows; the plain ones where they are of one class."""
        if len(np.unique(rows.labels)) < 2:
            return Scaling.identity(rows.logits.shape[1]), LargestLogit()
        scaling = self.calibration.fit(rows.logits, rows.labels)
        log_p = scaling.log_probabilities(rows.logits)
        if self.counts is None:
            return scaling, self.decision.fit(rows.task, log_p, rows.labels)
        return scaling, self.decision.fit_part(rows.task, log_p, rows.labels, self.counts)

    def deal(self, rows: LabelledRows) -> np.ndarray:
        """The fold of each row."""
        return stratified_folds(rows.ids, rows.labels, min(self.folds, rows.units), self.seed, rows.groups)

    def keeps(self, gain: Gain) -> bool:
        """Whether a rule with this cross-fitted gain is kept."""
        return self.decision.standard_errors is None or gain.exceeds(self.decision.standard_errors)


def cross_fitted(rows: LabelledRows, method: FittingMethod) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities ``[rows, classes]`` and decisions ``[rows]`` from what was fitted without the row's fold."""
    log_p, decided = np.empty_like(rows.logits), np.empty(len(rows.labels), dtype=np.int64)
    folds = method.deal(rows)
    for fold in np.unique(folds):
        out = folds == fold
        scaling, rule = method.fit(rows.select(~out))
        log_p[out] = scaling.log_probabilities(rows.logits[out])
        decided[out] = rule.decide(rows.logits[out], log_p[out])
    return log_p, decided


def judged_without(rows: LabelledRows, method: FittingMethod) -> np.ndarray:
    """Decisions ``[rows]`` where even the judgement whether to keep the rule was made without the row's fold.

    A gain that is looked at only because it was large is too large on average. So each fold is decided by what the
    other folds alone would have led to: their own cross-fitted gain, and their rule or plain argmax.
    """
    decided = rows.argmax.copy()
    folds = method.deal(rows)
    for fold in np.unique(folds):
        out = folds == fold
        others = rows.select(~out)
        if _convincing(others, replace(method, seed=method.seed + 1)):
            scaling, rule = method.fit(others)
            decided[out] = rule.decide(rows.logits[out], scaling.log_probabilities(rows.logits[out]))
    return decided


def _convincing(rows: LabelledRows, method: FittingMethod) -> bool:
    if method.decision.standard_errors is None:
        return True
    return method.keeps(rows.gain(rows.argmax, cross_fitted(rows, method)[1]))
