"""Which group of rows goes to which split."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from polarity.progress import progress

_SHOWN = 10_000
"""Groups after which the bar moves."""


def allot(counts: csr_array, shares: Sequence[float], rank: np.ndarray, essential: int) -> np.ndarray:
    r"""Number of the split of each group, int64 ``[groups]``.

    The largest groups come first, the single rows last, which then even out what the large ones left uneven. Each group
    goes to the split ``s`` where it adds least to the chi-square distance from the wanted counts,

    .. math:: \sum_s \sum_f (n_{sf} - t_s N_f)^2 / (t_s N_f)

    over the features ``f`` of its rows: being a row at all, having a class of a task, having a combination of classes.
    This is iterative stratification (Sechidis et al., 2011) for groups of rows. scikit-learn's StratifiedGroupKFold
    does nearly the same, but for one label, for folds of equal size, and in a hundred times the time.

    :param counts: rows of each group that have each feature, ``[groups, features]``; feature 0 is had by all rows.
    :param shares: ``t_s`` of each split; their sum is 1.
    :param rank: permutation of the groups that breaks ties.
    :param essential: so many of the first features shall occur in each split if that is possible at all.
    """
    shelf = _Shelf(counts, shares)
    sizes = counts[:, [0]].toarray().ravel()
    _cover(shelf, counts, np.lexsort((rank, sizes)), essential, np.argsort(shares).tolist())
    order = np.lexsort((rank, -sizes))
    with progress("splitting", len(order), "group") as advance:
        for start in range(0, len(order), _SHOWN):
            for group in order[start : start + _SHOWN].tolist():
                if shelf.split[group] < 0:
                    shelf.put(group, shelf.best(group))
            advance(len(order[start : start + _SHOWN]))
    return shelf.split.astype(np.int64)


class _Shelf:
    """The splits while they are being filled. Plain lists where numpy would be slower for a handful of numbers."""

    def __init__(self, counts: csr_array, shares: Sequence[float]) -> None:
        total = counts.sum(axis=0)
        self.wanted = [(share * total).tolist() for share in shares]
        self.filled = [[0] * len(total) for _ in shares]
        self.split = np.full(counts.shape[0], -1, dtype=np.int32)
        self._starts, self._features, self._rows = counts.indptr, counts.indices, counts.data

    def best(self, group: int) -> int:
        """The split to whose distance from what is wanted the group adds least."""
        has = self._has(group)
        added = [
            sum(rows * (2 * filled[feature] + rows) / wanted[feature] for feature, rows in has)
            for filled, wanted in zip(self.filled, self.wanted, strict=True)
        ]
        return added.index(min(added))

    def put(self, group: int, split: int) -> None:
        self.split[group] = split
        for feature, rows in self._has(group):
            self.filled[split][feature] += rows

    def _has(self, group: int) -> list[tuple[int, int]]:
        part = slice(self._starts[group], self._starts[group + 1])
        return list(zip(self._features[part].tolist(), self._rows[part].tolist(), strict=True))


def _cover(shelf: _Shelf, counts: csr_array, smallest_first: np.ndarray, essential: int, splits: Sequence[int]) -> None:
    """Give each split one group with each essential feature, the rarest feature first, where there are enough.

    The small splits get small groups, so that nothing is decided yet, and the largest split a large one.
    """
    columns = counts[smallest_first].tocsc()
    members = [
        smallest_first[np.sort(columns.indices[columns.indptr[feature] : columns.indptr[feature + 1]])]
        for feature in range(essential)
    ]
    for feature in sorted(range(essential), key=lambda number: len(members[number])):
        if len(members[feature]) < len(splits):
            continue
        for split in splits:
            if not shelf.filled[split][feature]:
                free = members[feature][shelf.split[members[feature]] < 0]
                if len(free):
                    shelf.put(int(free[-1 if split == splits[-1] else 0]), split)
