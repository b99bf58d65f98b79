"""What the linear model says about rows that it has not seen: cross-validation over all rows."""

from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np

from polarity.baselines.linear import USUAL, LinearModel
from polarity.baselines.suite import data_fingerprint
from polarity.data.cache import cached_arrays
from polarity.data.ngrams import TextFeatures
from polarity.data.rows import Rows, Splits
from polarity.progress import progress
from polarity.tasks import IGNORE_INDEX


def out_of_fold(
    splits: Splits,
    rows: Rows,
    groups: np.ndarray,
    cache: Path,
    *,
    strengths: Mapping[str, float],
    folds: int,
    repeats: int,
    seed: int = 0,
) -> list[np.ndarray]:
    """Probabilities that linear models give, each trained without the row and without all rows of its group.

    Kept in the cache, as :func:`polarity.baselines.suite.linear` does it.

    :param rows: those of all splits, one split after the other.
    :param groups: int64 ``[rows]``; rows of one group, such as copies of a text, stand in the same fold.
    :param strengths: C by task; the usual one for a task that is not named.
    :param repeats: how often the rows are dealt out anew.
    :returns: float32 ``[repeats, rows, classes]`` for each task; 0 for rows without a label.
    """
    purpose = repr((sorted(strengths.items()), folds, repeats, seed, groups.tolist()))
    folder = cache / "baselines" / f"folds-{data_fingerprint(splits, purpose)}"

    def made() -> dict[str, np.ndarray]:
        features = TextFeatures().fit(rows)  # words are counted over all rows, labels are not seen
        by_task = {}
        for number, task in enumerate(splits.tasks):
            labels, strength = rows.labels[:, number], strengths.get(task.name, USUAL)
            probabilities = np.zeros((repeats, len(rows), len(task.classes)), dtype=np.float32)
            with progress(f"cross-validation of {task.name}", repeats * folds, "model") as advance:
                for repeat, held_out in product(range(repeats), range(folds)):
                    fold = grouped_folds(labels, groups, folds, seed + repeat)
                    inside, outside = np.flatnonzero(fold == held_out), np.flatnonzero((fold >= 0) & (fold != held_out))
                    model = LinearModel.fit(task, features[outside], labels[outside], strength)
                    probabilities[repeat, inside] = np.exp(model.log_probabilities(features[inside]))
                    advance(1)
            by_task[str(number)] = probabilities
        return by_task

    arrays = cached_arrays(folder, made)
    return [np.array(arrays[str(number)]) for number in range(len(splits.tasks))]


def grouped_folds(labels: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold of each row, int64 ``[rows]``; -1 for rows without a label.

    Groups are put in the order of their first label, and within it in a random one, and dealt out in turn, so that each
    fold has about the same share of every class.
    """
    fold = np.full(len(labels), -1, dtype=np.int64)
    known = np.flatnonzero(labels != IGNORE_INDEX)
    _, first, inverse = np.unique(groups[known], return_index=True, return_inverse=True)
    order = np.lexsort((np.random.default_rng(seed).random(len(first)), labels[known][first]))
    dealt = np.empty(len(first), dtype=np.int64)
    dealt[order] = np.arange(len(first)) % folds
    fold[known] = dealt[inverse]
    return fold
