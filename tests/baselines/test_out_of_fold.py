"""Cross-validation: no row is judged by a model that has seen it, a copy of it, or its label."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from polarity.baselines.crossval import grouped_folds, out_of_fold
from polarity.data.rows import Splits
from polarity.tasks import IGNORE_INDEX
from tests.baselines.corpora import TOPIC, splits


def one_task(count: int) -> Splits:
    given = splits(count, 0, None)
    parts = {name: replace(rows, labels=rows.labels[:, 1:]) for name, rows in given.items()}
    return Splits((TOPIC,), parts["train"], parts["val"], None)


@pytest.mark.parametrize("folds", [2, 5, 9])
@pytest.mark.parametrize("seed", range(3))
def test_folds_keep_groups_together_and_classes_apart(folds: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    labels = generator.choice([IGNORE_INDEX, 0, 1, 2], p=[0.2, 0.5, 0.25, 0.05], size=400)
    groups = generator.integers(0, 300, size=400)
    fold = grouped_folds(labels, groups, folds, seed)
    known = labels != IGNORE_INDEX
    assert (fold[~known] == -1).all()
    assert set(fold[known]) == set(range(folds))
    for group in np.unique(groups[known]):
        assert len(set(fold[known & (groups == group)])) == 1
    alone = np.arange(400)
    shares = np.array(
        [np.bincount(labels[known & (grouped_folds(labels, alone, folds, seed) == f)]) for f in range(folds)]
    )
    assert (shares.max(axis=0) - shares.min(axis=0) <= 2).all()


def test_other_seeds_are_other_folds() -> None:
    labels = np.zeros(50, dtype=np.int64)
    folds = [grouped_folds(labels, np.arange(50), 5, seed).tolist() for seed in (0, 0, 1)]
    assert folds[0] == folds[1] != folds[2]


def test_a_row_does_not_vouch_for_its_own_label(tmp_path: Path) -> None:
    given = one_task(120)
    rows = given.train
    wrong = rows.labels.copy()
    wrong[:6, 0] = 1 - wrong[:6, 0]
    rows = replace(rows, labels=wrong)
    given = replace(given, train=rows)
    guesses = out_of_fold(given, rows, np.arange(120), tmp_path, strengths={}, folds=5, repeats=2)[0]
    assert guesses.shape == (2, 120, 2)
    np.testing.assert_allclose(guesses.sum(axis=2), 1, atol=1e-4)
    assert (guesses[:, :6].argmax(axis=2) != wrong[:6, 0]).all()


def test_copies_do_not_vouch_for_each_other(tmp_path: Path) -> None:
    given = one_task(60)
    rows = given.train
    copies = ["an utterly singular sentence"] * 6
    rows = replace(rows, text=[*copies, *rows.text[6:]])
    labels = rows.labels.copy()
    labels[:6, 0] = 1
    labels[6:, 0] = np.arange(54) % 2
    rows = replace(rows, labels=labels, text=[*copies, *(f"plain words {n % 7}" for n in range(54))])
    given = replace(given, train=rows)
    apart = out_of_fold(given, rows, np.arange(60), tmp_path, strengths={}, folds=3, repeats=1)[0]
    together = out_of_fold(
        given, rows, np.array([0] * 6 + list(range(1, 55))), tmp_path, strengths={}, folds=3, repeats=1
    )[0]
    assert (apart[0, :6, 1] > 0.6).all()
    assert (together[0, :6, 1] < 0.6).all()


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_tiny_data(count: int, tmp_path: Path) -> None:
    given = one_task(count)
    guesses = out_of_fold(given, given.train, np.arange(count), tmp_path, strengths={}, folds=5, repeats=1)[0]
    assert np.isfinite(guesses).all()
    assert guesses.shape == (1, count, 2)
