"""Additive class biases for macro-F1."""

import numpy as np

from polarity.confusion import class_counts, confusion
from polarity.decisions.base import Decision
from polarity.decisions.cuts import GAIN, ROUNDING, Contest, best_cut, sum_of_f1
from polarity.decisions.rules import AddedBias, Rule
from polarity.settings import NonNegative, PositiveInt
from polarity.tasks import Task


class BiasDecision(Decision):
    r"""A number added to the log-probability of each class, chosen for macro-F1 on validation.

    .. math:: \hat y = \operatorname{argmax}_c (\log p_c + b_c)

    The biases are found one at a time, the others held: as :math:`b_c` grows, row i goes over to class c at its margin
    :math:`\max_{j \ne c} (\log p_{ij} + b_j) - \log p_{ic}`, and between two margins nothing changes. So the sorted
    margins are all that has to be tried, and the optimum of each step is exact, in O(N log N). It goes round the
    classes until no single bias can be bettered.

    With true probabilities the best rule for macro-F1 is argmax of :math:`(2 p_c - F_c) / (P_c + S_c)`, where F is the
    F1 that is reached, P the share decided and S the share of the class (after Narasimhan et al., Consistent Multiclass
    Algorithms for Complex Performance Measures, ICML 2015). The biases keep one number per class of that, so that less
    can be fitted to chance.

    :param standard_errors: how many standard errors the cross-fitted gain has to exceed, or plain argmax is kept; None
        keeps the rule always.
    :param min_rows: a class with fewer labelled validation rows keeps bias 0.
    """

    def __init__(self, *, standard_errors: NonNegative | None = 1.5, min_rows: PositiveInt = 5) -> None:
        self.standard_errors = standard_errors
        self.min_rows = min_rows

    def fit(self, task: Task, log_probabilities: np.ndarray, labels: np.ndarray) -> Rule:
        return self.fit_part(task, log_probabilities, labels, class_counts(labels, len(task.classes)))

    def fit_part(self, task: Task, log_probabilities: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> Rule:
        movable = (counts >= self.min_rows) & (class_counts(labels, len(task.classes)) > 0)
        return AddedBias(best_bias(log_probabilities, labels, np.flatnonzero(movable)))


def best_bias(log_probabilities: np.ndarray, labels: np.ndarray, movable: np.ndarray) -> tuple[float, ...]:
    """Biases of which none can be bettered alone, with mean 0 over the classes.

    :param log_probabilities: float64 ``[rows, classes]``.
    :param movable: indices of the classes whose bias is searched; that of the others is the same for all.
    """
    classes = log_probabilities.shape[1]
    bias = np.zeros(classes)
    reached = sum_of_f1(confusion(labels, log_probabilities.argmax(axis=1), classes))
    settled, bettered = np.zeros((classes, classes), dtype=np.int64), True
    ranks = _best_two(log_probabilities)
    while bettered:
        bettered = False
        for c in movable:
            cut, total = best_cut(_contest(log_probabilities, labels, bias, int(c), ranks), settled)
            if total > reached + GAIN:
                bias[c], reached, bettered = -cut, total, True
                ranks = _best_two(log_probabilities + bias)
    return tuple((bias - bias.mean()).tolist())


def _contest(log_probabilities: np.ndarray, labels: np.ndarray, bias: np.ndarray, c: int, ranks: np.ndarray) -> Contest:
    """Class c against the best of the others: c wins a row where ``bias[c]`` exceeds its margin, minus the score.

    :param ranks: the best two classes of each row under these biases.
    """
    first, second = ranks
    others = np.where(first == c, second, first)
    best = log_probabilities[np.arange(len(labels)), others] + bias[others]
    own = log_probabilities[:, c]
    resolution = ROUNDING * (np.abs(best) + np.abs(own) + np.abs(bias).max())
    return Contest(c, labels, others, own - best, resolution)


def _best_two(scores: np.ndarray) -> np.ndarray:
    """The classes with the two largest scores of each row, ``[2, rows]``; of equal ones the first."""
    first = scores.argmax(axis=1)
    rest = scores.copy()
    rest[np.arange(len(rest)), first] = -np.inf
    return np.stack([first, rest.argmax(axis=1)])
