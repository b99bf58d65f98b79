"""Differences over folds: where nothing can be said of other groups, and where all folds differ by the same."""

from pathlib import Path

import numpy as np
import pytest

from polarity.comparison.align import align
from polarity.comparison.fold_evidence import FoldEvidence
from polarity.comparison.grouping import group_systems
from polarity.comparison.load import System
from polarity.comparison.pairs import Pair
from polarity.evaluation.predictions import Predictions, TaskPredictions
from polarity.statistics.fold_scores import FoldScores
from polarity.tasks import Task
from tests.comparison.made import noisy, some_labels

ROWS = 300
TASK = Task("tone", ("bad", "flat", "good"), "tone")


def system(name: str, right: float, folds: list[float], posts: int) -> System:
    labels = some_labels(ROWS)
    item = TaskPredictions(TASK, labels, noisy(labels, right, 1), None, None)
    ids, metadata = [str(n) for n in range(ROWS)], {"post": [str(n % posts) for n in range(ROWS)]}
    scores = FoldScores({"tone": np.array(folds)}, {"tone": float(np.mean(folds))}, 0.25)
    return System(name, Path(name), "run", Predictions(ids, (item,), metadata), {"seed": 0, "name": name}, folds=scores)


def compared(theirs: list[float], *, posts: int) -> tuple[FoldEvidence, Pair]:
    systems = [system("a", 0.5, [0.4, 0.5, 0.45, 0.42, 0.47], posts), system("b", 0.8, theirs, posts)]
    aligned, groups = align(systems, "out_of_fold", tasks=None, cluster="post"), group_systems(systems)
    evidence = FoldEvidence(systems, groups, aligned, resamples=200, confidence=0.95, seed=0)
    (pair,) = evidence.pairs(groups)
    return evidence, pair


def test_of_one_group_nothing_is_said_whatever_the_folds_are() -> None:
    evidence, pair = compared([0.7, 0.8, 0.72, 0.74, 0.77], posts=1)
    assert not pair.known
    assert pair.tests[0].p == pair.equal.p == 1.0
    assert not pair.interval.known
    assert not pair.macro_f1["tone"][1].known
    assert not evidence.interval(0).known
    assert not evidence.group_interval(evidence.groups[0], 0).known
    _, pair = compared([0.7, 0.8, 0.72, 0.74, 0.77], posts=60)
    assert pair.known
    assert pair.tests[0].p < 0.01


def test_a_difference_that_is_the_same_in_all_folds_is_not_known_without_error() -> None:
    _, pair = compared([0.6, 0.7, 0.65, 0.62, 0.67], posts=60)
    for interval in (pair.interval, pair.macro_f1["tone"][1]):
        assert interval.high - interval.low > 0.01
    assert pair.estimate.value == pytest.approx(0.2)
