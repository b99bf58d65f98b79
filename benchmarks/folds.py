"""False alarms and coverage of the corrected resampled estimate: ``python benchmarks/folds.py [DATA_SETS]``.

Two linear models (ridge regression on the classes) read different halves of the features. Both halves are of the same
kind, so that neither is better, and a test that says so gives a false alarm. The true score of a model is its mean
macro-F1 over training sets of as many rows as folds train on, in a population of its own. Writes
``benchmarks/results/folds.md``; about two minutes of one core.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from polarity.data.allotment import allot
from polarity.evaluation.metrics import score_task
from polarity.statistics.corrected_resampled import corrected_resampled
from polarity.tasks import Task

TASK = Task("tone", ("bad", "flat", "good"), "tone")
SHARES = np.array([0.7, 0.2, 0.1])
FEATURES, SIGNAL, RIDGE, LEVEL = 12, 0.8, 3.0, 0.05
DIRECTIONS = np.random.default_rng(0).normal(size=(len(SHARES), FEATURES))
POPULATION = 20_000
COLUMNS = (
    "rows", "folds", "repeats", "alarms, uncorrected", "alarms, corrected", "held by mean", "held by all rows",
    "bias of mean", "bias of all rows", "width",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A kind of cross-validation."""

    rows: int
    folds: int
    repeats: int


CASES = [Case(rows, folds, repeats) for rows in (200, 800) for folds, repeats in ((5, 1), (10, 1), (5, 2), (5, 5))]


def draw(generator: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Features ``[rows, 2, FEATURES]`` of both halves, and labels; every class has its share of the rows."""
    labels = generator.permutation(np.repeat(np.arange(3), np.round(SHARES * rows).astype(int)))
    centres = SIGNAL * DIRECTIONS[labels] / np.sqrt(FEATURES)
    return centres[:, None] + generator.normal(size=(len(labels), 2, FEATURES)), labels


def fitted(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Weights of a ridge regression on the classes, balanced by their weights, ``[FEATURES + 1, 3]``."""
    x = np.column_stack([features, np.ones(len(features))])
    weights = 1 / np.bincount(labels, minlength=3)[labels]
    penalty = RIDGE * np.diag([1.0] * FEATURES + [0.0]) / len(labels)
    return np.linalg.solve(x.T @ (weights[:, None] * x) + penalty, x.T @ (weights[:, None] * np.eye(3)[labels]))


def decided(weights: np.ndarray, features: np.ndarray) -> np.ndarray:
    """The class of each row."""
    return np.asarray((features @ weights[:-1] + weights[-1]).argmax(axis=1))


def macro_f1(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Of the only task."""
    return float(score_task(TASK, labels, predicted).macro_f1 or 0.0)


def dealt(labels: np.ndarray, folds: int, generator: np.random.Generator) -> np.ndarray:
    """Stratified folds of single rows, as those of a run are made."""
    counts = csr_array(np.column_stack([np.ones(len(labels), dtype=np.int64), np.eye(3, dtype=np.int64)[labels]]))
    return allot(counts, [1 / folds] * folds, generator.permutation(len(labels)), 4)


@dataclass
class Found:
    """Of one data set: macro-F1 of both models in each fold ``[2, folds]`` and of all held-out rows ``[2]``."""

    of_folds: np.ndarray
    pooled: np.ndarray


def cross_validated(case: Case, generator: np.random.Generator) -> Found:
    """Both models on one data set."""
    features, labels = draw(generator, case.rows)
    scores: list[list[float]] = []
    answers = np.zeros((2, case.repeats, len(labels)), dtype=np.int64)
    for repeat in range(case.repeats):
        fold = dealt(labels, case.folds, generator)
        for number in range(case.folds):
            out = fold == number
            for half in range(2):
                weights = fitted(features[~out, half], labels[~out])
                answers[half, repeat, out] = decided(weights, features[out, half])
            scores.append([macro_f1(labels[out], answers[half, repeat, out]) for half in range(2)])
    pooled = [np.mean([macro_f1(labels, answers[half, repeat]) for repeat in range(case.repeats)]) for half in range(2)]
    return Found(np.array(scores).T, np.array(pooled))


def truth(case: Case, generator: np.random.Generator, models: int = 150) -> float:
    """Mean score of models that are trained on as many rows as a fold's."""
    features, labels = draw(generator, POPULATION)
    values = []
    for _ in range(models):
        train, known = draw(generator, case.rows - case.rows // case.folds)
        values.append(macro_f1(labels, decided(fitted(train[:, 0], known), features[:, 0])))
    return float(np.mean(values))


@dataclass(frozen=True)
class Rates:
    """Shares of the data sets.

    :param naive: false alarms of the paired t-test that takes folds as independent.
    :param corrected: false alarms of the corrected resampled t-test.
    :param around_mean: intervals around the folds' mean score that hold the truth; ``around_pooled`` likewise around
        the score of all held-out rows.
    :param bias_of_mean: how far the folds' mean score lies from the truth on average; ``bias_of_pooled`` likewise.
    """

    naive: float
    corrected: float
    around_mean: float
    around_pooled: float
    bias_of_mean: float
    bias_of_pooled: float
    width: float


def tried(case: Case, data_sets: int, seed: int = 0) -> Rates:
    """All that is asked of one case."""
    generator = np.random.default_rng([seed, case.rows, case.folds, case.repeats])
    ratio, true = 1 / (case.folds - 1), truth(case, generator)
    rows = []
    for _ in range(data_sets):
        result = cross_validated(case, generator)
        gaps, own = result.of_folds[1] - result.of_folds[0], result.of_folds[0]
        mean = corrected_resampled(own, ratio)
        ends = mean.interval(1 - LEVEL, lowest=0.0)
        pooled = corrected_resampled(own, ratio, float(result.pooled[0])).interval(1 - LEVEL, lowest=0.0)
        alarms = [corrected_resampled(gaps, shared).p < LEVEL for shared in (0.0, ratio)]
        bias = mean.value - true, float(result.pooled[0]) - true
        rows.append([*alarms, true in ends, true in pooled, *bias, ends.high - ends.low])
    return Rates(*np.mean(np.array(rows, dtype=np.float64), axis=0).tolist())


def table(data_sets: int) -> str:
    """The report."""
    lines = [
        "# Cross-validation: false alarms and coverage",
        "",
        f"Made by `python benchmarks/folds.py {data_sets}`: {data_sets} data sets each, two linear models of which",
        "neither is better, three classes (70, 20, 10 %), macro-F1. Level 5 %, nominal coverage 95 %. In percent: data",
        "sets in which the paired t-test over folds found a difference that is not there, without the correction and",
        "with it; intervals that held the true score of models trained on as many rows, around the mean of the folds'",
        "scores and around the score of all held-out rows. Bias: how far these two lie from the truth on average, in",
        "points. Two standard errors of a rate of 5 % are 2.5 points.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        result = tried(case, data_sets)
        shares = (result.naive, result.corrected, result.around_mean, result.around_pooled)
        biases = (result.bias_of_mean, result.bias_of_pooled)
        cells = [*(f"{100 * share:.1f}" for share in shares), *(f"{100 * bias:+.2f}" for bias in biases)]
        lines.append(f"| {case.rows} | {case.folds} | {case.repeats} | {' | '.join(cells)} | {result.width:.3f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sets = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    (Path(__file__).parent / "results" / "folds.md").write_text(table(sets), encoding="utf-8")
