"""Greedy selection."""

import numpy as np

from polarity.ensembles.blend import Blend
from polarity.evaluation.metrics import score_task
from polarity.settings import PositiveInt
from polarity.systems.combination import Combination, LinearPool
from polarity.tasks import Task

Standing = tuple[float, float]
"""Macro-F1, and of equals the mean log-probability of the labels."""


class Greedy(Blend):
    """Members are taken one at a time, each as often as it helps.

    In each round it is the one whose probabilities, added to those taken before, give the best macro-F1 on validation.
    The best of the rounds counts.

    Caruana et al., Ensemble Selection from Libraries of Models, ICML 2004. Of equals, the one that makes the labels
    more likely is better. A member's weight is its share of what was taken.

    :param rounds: how many are taken at most; more allow finer weights.
    """

    def __init__(self, *, rounds: PositiveInt = 20) -> None:
        self.rounds = rounds

    def fit(self, task: Task, log_probabilities: np.ndarray, labels: np.ndarray) -> Combination:
        members = np.exp(log_probabilities)
        counts, total = np.zeros(len(members), dtype=np.int64), np.zeros(members.shape[1:])
        best: tuple[Standing, np.ndarray] | None = None
        for _ in range(self.rounds):
            reached, taken = max(
                ((_standing(task, total + each, labels), -number) for number, each in enumerate(members)),
            )
            counts[-taken] += 1
            total = total + members[-taken]
            if best is None or reached > best[0]:
                best = reached, counts.copy()
        assert best is not None
        return LinearPool(tuple((best[1] / best[1].sum()).tolist()))


def _standing(task: Task, total: np.ndarray, labels: np.ndarray) -> Standing:
    macro = score_task(task, labels, total.argmax(axis=1)).macro_f1
    likely = np.log(np.maximum(total[np.arange(len(labels)), labels] / total.sum(axis=1), 1e-12))
    return round(macro or 0.0, 12), float(likely.mean())
