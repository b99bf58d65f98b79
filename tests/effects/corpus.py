"""Rows of the shape of the reference campaign: imbalanced, with missing labels and texts of very different length."""

from functools import cache

import numpy as np

from polarity.data.rows import Rows, Splits
from polarity.tasks import IGNORE_INDEX, Task

TASKS = (
    Task("sentiment", ("negative", "neutral", "positive"), "sentiment"),
    Task("polarization", ("non_polarized", "objective", "partisan"), "polarization"),
)
SHARES = ((0.68, 0.27, 0.05), (0.27, 0.03, 0.70))
COUNTS = ([3000, 1200, 600], [1500, 900, 2400])
RARE = ([3000, 800, 40], [900, 40, 2900])
"""Class counts of training splits; in the second, the rarest class has a balanced weight above the usual limit."""


def rows(number: int, seed: int = 0, longest: int = 12) -> Rows:
    """Rows with ids ``SEED-NUMBER``; about one label in ten is missing."""
    draw = np.random.default_rng(seed)
    labels = np.stack([draw.choice(3, size=number, p=shares) for shares in SHARES], axis=1)
    labels[draw.random(labels.shape) < 0.1] = IGNORE_INDEX
    labels[:9] = [(first, second) for first in range(3) for second in range(3)]
    words = draw.choice(["good", "bad", "news", "vote", "party", "war", "bread", "soup"], size=(number, longest))
    lengths = draw.integers(1, longest + 1, size=number)
    return Rows(
        ids=[f"{seed}-{row}" for row in range(number)],
        text=[" ".join(words[row, : lengths[row]]) for row in range(number)],
        context=None,
        labels=labels,
        metadata={"source": [str(value) for value in draw.choice(["a", "b"], size=number)]},
    )


@cache
def splits(train: int = 600, val: int = 60, longest: int = 12) -> Splits:
    return Splits(TASKS, rows(train, 0, longest), rows(val, 1, longest), rows(val, 2, longest))
