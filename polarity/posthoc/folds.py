"""Folds for cross-fitting that depend on the rows' ids, labels and groups alone."""

import hashlib
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from polarity.data.allotment import allot


def stratified_folds(
    ids: Sequence[str], labels: np.ndarray, folds: int, seed: int, groups: np.ndarray | None = None
) -> np.ndarray:
    """The fold of each row, int64 ``[rows]``.

    Rows are sorted by class, and within a class by a hash of seed and id, and dealt out in turn: the folds' sizes
    differ by at most one row, in all and in each class. The order of the rows does not matter. A group is never torn
    apart: groups are allotted so that the folds have about as many rows, in all and of each class.

    :param ids: unique.
    :param labels: class indices ``[rows]``.
    :param folds: not more than there are groups.
    :param groups: number of each row's group, ``[rows]``; None where rows are independent.
    """
    keys = [hashlib.blake2b(f"{seed}\0{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest() for name in ids]
    if groups is not None:
        return _of_groups(keys, labels, folds, groups)
    order = sorted(range(len(ids)), key=lambda row: (labels[row], keys[row], ids[row]))
    dealt = np.empty(len(ids), dtype=np.int64)
    dealt[order] = np.arange(len(ids)) % folds
    return dealt


def _of_groups(keys: Sequence[bytes], labels: np.ndarray, folds: int, groups: np.ndarray) -> np.ndarray:
    first: dict[int, bytes] = {}
    for key, group in zip(keys, groups.tolist(), strict=True):
        first[group] = min(key, first.get(group, key))
    place = {group: number for number, group in enumerate(sorted(first, key=lambda group: first[group]))}
    numbers = np.array([place[group] for group in groups.tolist()])
    counts = np.zeros((len(place), 2 + int(labels.max())), dtype=np.int64)
    counts[:, 0] = np.bincount(numbers)
    np.add.at(counts, (numbers, 1 + labels), 1)
    present = counts[:, counts.any(axis=0)]
    allotted = allot(csr_array(present), [1 / folds] * folds, np.arange(len(place)), present.shape[1])
    return np.asarray(allotted[numbers])
