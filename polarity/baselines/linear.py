"""The linear baseline: balanced logistic regression on TF-IDF."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import log_expit, log_softmax

from polarity.evaluation.metrics import score_task
from polarity.progress import progress
from polarity.tasks import IGNORE_INDEX, Task

STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Inverse strengths C of the regularisation that are tried."""

USUAL = 1.0
"""C of a task without validation labels."""

IMPOSSIBLE = float(np.log(1e-6))
"""Log-probability of a class without a training row."""


@dataclass(frozen=True)
class LinearModel:
    """Logistic regression of one task, one class against the others, each pair balanced.

        d_c(x) = w_c x + b_c,   min over w_c, b_c:  1/2 |w_c|^2 + 1/2 b_c^2 + C sum_i v_i log(1 + exp(-s_i d_c(x_i)))
        log p_c(x) = log sigmoid(d_c(x)) - log sum_k sigmoid(d_k(x))

    with s_i = 1 for the n_c of the N labelled training rows that are of class c, and -1 for the others;
    v_i = N / (2 n_c) for the former and N / (2 (N - n_c)) for the latter, so that a rare class counts as much as all
    others together (King and Zeng, Logistic Regression in Rare Events Data, Political Analysis 9, 2001). Solved by dual
    coordinate descent (Yu, Huang and Lin, Machine Learning 85, 2011), which takes a few passes over the rows.

    Classes without a training row get (almost) no probability; a task with one class only is always that class.

    :param classes: how many classes the task has; ``seen`` are the indices of those with training rows.
    :param weights: of each seen class w and, last, b: float64 ``[seen, terms + 1]``; without rows where there is
        nothing to tell apart.
    """

    classes: int
    seen: tuple[int, ...]
    weights: np.ndarray

    @classmethod
    def fit(cls, task: Task, features: csr_matrix, labels: np.ndarray, strength: float) -> "LinearModel":
        """Fit to the rows that have a label.

        :param features: ``[rows, terms]``.
        :param labels: class indices ``[rows]``.
        :param strength: C.
        """
        from sklearn.linear_model import LogisticRegression

        known = np.flatnonzero(labels != IGNORE_INDEX)
        seen = tuple(int(c) for c in np.unique(labels[known]))
        if len(seen) < 2 or not features.shape[1]:
            return cls(len(task.classes), seen, np.zeros((0, 0)))
        inside = features[known].astype(np.float64)  # what the solver computes in; else each fit would copy
        settings = {"solver": "liblinear", "dual": True, "class_weight": "balanced", "random_state": 0}
        fitted = [
            LogisticRegression(C=strength, tol=1e-2, max_iter=1000, **settings).fit(inside, labels[known] == c)
            for c in seen
        ]
        weights = np.stack([np.append(model.coef_[0], model.intercept_[0]) for model in fitted])
        return cls(len(task.classes), seen, weights)

    def distances(self, features: csr_matrix) -> np.ndarray:
        """``d_c(x)`` of each seen class, float64 ``[rows, seen]``."""
        return np.asarray(features @ self.weights[:, :-1].T + self.weights[:, -1])

    def log_probabilities(self, features: csr_matrix) -> np.ndarray:
        """float32 ``[rows, classes]``."""
        rows = features.shape[0]
        logits = np.full((rows, self.classes), IMPOSSIBLE, dtype=np.float32)
        if not self.seen:
            logits[:] = -np.log(self.classes)
        elif not len(self.weights):
            logits[:, list(self.seen)] = -np.log(len(self.seen))
        elif rows:
            hits = log_expit(self.distances(features))
            logits[:, list(self.seen)] = np.maximum(log_softmax(hits, axis=1), IMPOSSIBLE)
        return logits


@dataclass(frozen=True)
class TunedModel:
    """The model whose C gave the best macro-F1 on validation; of equals, the one by which its labels are likeliest.

    Of equals with the smallest C, probabilities would be too flat to tell a doubtful label from a sure one.
    """

    model: LinearModel
    strength: float


def choose(task: Task, train: tuple[csr_matrix, np.ndarray], val: tuple[csr_matrix, np.ndarray]) -> TunedModel:
    """Fit with each C, and choose on validation.

    :param train: features ``[rows, terms]`` and class indices ``[rows]``; ``val`` likewise.
    """
    features, labels = val
    if not (labels != IGNORE_INDEX).any():
        return TunedModel(LinearModel.fit(task, *train, USUAL), USUAL)
    strengths, tried = _worth_trying(train[1]), list[TunedModel]()
    with progress(f"linear models of {task.name}", len(strengths), "model") as advance:
        for strength in strengths:
            tried.append(TunedModel(LinearModel.fit(task, *train, strength), strength))
            advance(1)
    return max(tried, key=lambda one: _goodness(task, labels, one.model.log_probabilities(features)))


def _worth_trying(labels: np.ndarray) -> Sequence[float]:
    """One is enough where nothing can be learnt."""
    return STRENGTHS if len(np.unique(labels[labels != IGNORE_INDEX])) > 1 else (USUAL,)


def _goodness(task: Task, labels: np.ndarray, logits: np.ndarray) -> tuple[float, float]:
    """Macro-F1, and the mean log-likelihood of the labels."""
    score = score_task(task, labels, logits.argmax(axis=1)).macro_f1
    assert score is not None
    known = np.flatnonzero(labels != IGNORE_INDEX)
    return score, float(logits[known, labels[known]].mean())
