"""Folds for cross-fitting that depend on the rows' ids and labels alone."""

import hashlib
from collections.abc import Sequence

import numpy as np


def stratified_folds(ids: Sequence[str], labels: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold of each row, int64 ``[rows]``.

    Rows are sorted by class, and within a class by a hash of seed and id, and dealt out in turn: the folds' sizes
    differ by at most one row, in all and in each class. The order of the rows does not matter.

    :param ids: unique.
    :param labels: class indices ``[rows]``.
    """
    keys = [hashlib.blake2b(f"{seed}\0{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest() for name in ids]
    order = sorted(range(len(ids)), key=lambda row: (labels[row], keys[row], ids[row]))
    dealt = np.empty(len(ids), dtype=np.int64)
    dealt[order] = np.arange(len(ids)) % folds
    return dealt
