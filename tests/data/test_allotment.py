"""Groups are allotted so that all counts come near to what is wanted; scikit-learn's way is the yardstick."""

from time import process_time

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.model_selection import StratifiedGroupKFold

from polarity.data.allotment import allot

SHARES = [0.7, 0.15, 0.15]


def features(labels: np.ndarray, groups: np.ndarray) -> csr_array:
    """Rows of each group: all, and those of each label."""
    counts = np.zeros((groups.max() + 1, labels.max() + 2), dtype=np.int64)
    np.add.at(counts, (groups, 0), 1)
    np.add.at(counts, (groups, labels + 1), 1)
    return csr_array(counts)


def distance(counts: csr_array, split: np.ndarray) -> float:
    """Chi-square distance of the splits from what is wanted."""
    dense = counts.toarray()
    total = dense.sum(axis=0)
    parts = [(dense[split == number].sum(axis=0), share * total) for number, share in enumerate(SHARES)]
    return float(sum(((result - wanted) ** 2 / wanted).sum() for result, wanted in parts))


def random(seed: int, rows: int = 3000, groups: int = 500) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    size = rng.pareto(1.5, groups) + 0.2
    group = np.unique(rng.choice(groups, rows, p=size / size.sum()), return_inverse=True)[1]
    leaning = rng.dirichlet([0.6, 0.3, 0.05, 0.05], groups)  # groups differ in their classes, as documents do
    return np.array([rng.choice(4, p=leaning[number]) for number in group.tolist()]), group


def test_by_hand() -> None:
    """Two groups of two rows and four single rows, halved."""
    counts = csr_array(np.array([[2], [2], [1], [1], [1], [1]]))
    halves = allot(counts, [0.5, 0.5], np.arange(6), essential=1)
    assert [counts.toarray().ravel()[halves == half].sum() for half in (0, 1)] == [4, 4]


def test_the_largest_group_comes_first_whatever_its_rank() -> None:
    """Three single rows that came before it would be halved, and leave no room for the three that belong together."""
    counts = csr_array(np.array([[1], [1], [1], [3]]))
    halves = allot(counts, [0.5, 0.5], np.arange(4), essential=0)
    assert halves.tolist() == [1, 1, 1, 0]


def test_rank_breaks_ties() -> None:
    counts = csr_array(np.ones((10, 1), dtype=np.int64))
    rank = np.random.default_rng(0).permutation(10)
    plain, ranked = (allot(counts, SHARES, order, essential=1) for order in (np.arange(10), rank))
    assert np.bincount(plain).tolist() == np.bincount(ranked).tolist() == [7, 2, 1]
    assert (plain[rank] == ranked).all()


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5])
def test_single_rows_are_dealt_out_exactly(share: float) -> None:
    labels = np.random.default_rng(0).choice(3, 2000, p=[0.6, 0.39, 0.01])
    counts = features(labels, np.arange(2000))
    split = allot(counts, [1 - share, share], np.arange(2000), essential=4)
    result = counts.toarray()[split == 1].sum(axis=0)
    assert result == pytest.approx(share * counts.toarray().sum(axis=0), abs=1)


@pytest.mark.parametrize("seed", range(5))
def test_an_essential_feature_is_everywhere(seed: int) -> None:
    labels, groups = random(seed, rows=60, groups=30)
    counts = features(labels, groups)
    split = allot(counts, SHARES, np.arange(counts.shape[0]), essential=counts.shape[1])
    for feature in range(counts.shape[1]):
        members = np.flatnonzero(counts.toarray()[:, feature])
        assert len(members) < 9 or set(split[members].tolist()) == {0, 1, 2}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_better_and_faster_than_folds(seed: int) -> None:
    labels, groups = random(seed)
    counts = features(labels, groups)
    start = process_time()
    ours = allot(counts, SHARES, np.random.default_rng(seed).permutation(counts.shape[0]), essential=1)
    middle = process_time()
    folds = np.zeros(counts.shape[0], dtype=np.int64)
    for number, (_, rows) in enumerate(
        StratifiedGroupKFold(20, shuffle=True, random_state=seed).split(labels, labels, groups)
    ):
        folds[groups[rows]] = 1 if number < 3 else 2 if number < 6 else 0
    assert distance(counts, ours) <= distance(counts, folds)
    assert middle - start < process_time() - middle


@pytest.mark.parametrize("groups", [20_000, 100_000])
def test_a_hundred_thousand_rows_take_seconds(groups: int) -> None:
    rng = np.random.default_rng(0)
    group = rng.permutation(np.arange(100_000) % groups)
    counts = features(rng.choice(12, 100_000), group)
    start = process_time()
    split = allot(counts, SHARES, rng.permutation(groups), essential=13)
    assert process_time() - start < 20
    assert np.bincount(split[group]) == pytest.approx([70_000, 15_000, 15_000], abs=3)
