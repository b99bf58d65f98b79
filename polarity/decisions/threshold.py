"""Thresholds on probabilities, class by class."""

from dataclasses import replace

import numpy as np

from polarity.confusion import class_counts, confusion
from polarity.decisions.base import Decision
from polarity.decisions.cuts import GAIN, ROUNDING, Contest, best_cut, sum_of_f1
from polarity.decisions.rules import OrderedThresholds, Rule
from polarity.settings import NonNegative, PositiveInt
from polarity.tasks import Task


class ThresholdDecision(Decision):
    """Classes are asked from the rarest to the commonest; the first whose probability reaches its threshold is taken.

    With the classes ordered by their labelled validation rows (equally many: in the order of the task), a row goes to
    the first class c with p_c >= t_c, and to the last class, the commonest, if there is none. A class without a
    threshold takes the rows in which it is the most probable; without any threshold this is argmax.

    For two classes it is the usual threshold on the rarer one. For more, a row may go to a class that is not even the
    second most probable: use it where a rare class must be found at a known certainty, and
    :class:`~polarity.decisions.bias.BiasDecision` otherwise. Each threshold is the exact optimum of macro-F1 on
    validation while the others are held, found as for the biases; it goes round until none can be bettered.

    :param standard_errors: how many standard errors the cross-fitted gain has to exceed, or plain argmax is kept; None
        keeps the rule always.
    :param min_rows: a class with fewer labelled validation rows gets no threshold.
    """

    def __init__(self, *, standard_errors: NonNegative | None = 1.5, min_rows: PositiveInt = 5) -> None:
        self.standard_errors = standard_errors
        self.min_rows = min_rows

    def fit(self, task: Task, log_probabilities: np.ndarray, labels: np.ndarray) -> Rule:
        return self.fit_part(task, log_probabilities, labels, class_counts(labels, len(task.classes)))

    def fit_part(self, task: Task, log_probabilities: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> Rule:
        movable = (counts >= self.min_rows) & (class_counts(labels, len(task.classes)) > 0)
        order = tuple(np.argsort(counts, kind="stable").tolist())
        return best_thresholds(log_probabilities, labels, order, movable)


def best_thresholds(
    log_probabilities: np.ndarray, labels: np.ndarray, order: tuple[int, ...], movable: np.ndarray
) -> OrderedThresholds:
    """Thresholds of which none can be bettered alone.

    :param log_probabilities: float64 ``[rows, classes]``.
    :param movable: whether a class may get a threshold, bool ``[classes]``.
    """
    classes = len(order)
    rule = OrderedThresholds(order, (None,) * classes)
    reached = sum_of_f1(confusion(labels, rule.decide(log_probabilities, log_probabilities), classes))
    bettered = True
    while bettered:
        bettered = False
        for place, c in enumerate(order[:-1]):
            if not movable[c]:
                continue
            contest, settled = _contest(log_probabilities, labels, rule, place)
            if not len(contest.labels):
                continue
            cut, total = best_cut(contest, settled)
            if total > reached + GAIN:
                reached, bettered = total, True
                rule = replace(rule, thresholds=(*rule.thresholds[:c], cut, *rule.thresholds[c + 1 :]))
    return rule


def _contest(
    log_probabilities: np.ndarray, labels: np.ndarray, rule: OrderedThresholds, place: int
) -> tuple[Contest, np.ndarray]:
    """The class at ``place`` against those behind it, over the rows that those before it leave; and the other rows."""
    c, classes = rule.order[place], len(rule.order)
    decided = rule.decide(log_probabilities, log_probabilities)
    taken = np.isin(decided, rule.order[:place])
    settled = confusion(labels[taken], decided[taken], classes)
    left = log_probabilities[~taken]
    never = replace(
        rule, thresholds=tuple(np.inf if k in rule.order[: place + 1] else t for k, t in enumerate(rule.thresholds))
    )
    scores = left[:, c]
    return Contest(c, labels[~taken], never.decide(left, left), scores, ROUNDING * np.abs(scores)), settled
