"""Systems whose true scores are known: rows and decisions are drawn from chosen chances."""

from collections.abc import Sequence

import numpy as np

from polarity.tasks import IGNORE_INDEX, Task

TASKS = (Task("tone", ("bad", "flat", "good"), "tone"), Task("topic", ("war", "food", "none"), "topic"))
SHARES = (np.array([0.6, 0.3, 0.1]), np.array([0.72, 0.23, 0.05]))
BASE = (np.array([0.80, 0.65, 0.50]), np.array([0.85, 0.60, 0.40]))
"""Recall of each class by task; errors fall evenly on the other classes."""


def confusion(recall: np.ndarray) -> np.ndarray:
    """Chance of each decision given each label."""
    table = np.repeat((1 - recall)[:, None] / 2, 3, axis=1)
    np.fill_diagonal(table, recall)
    return table


def true_overall(recalls: Sequence[np.ndarray]) -> float:
    """Mean macro-F1 of infinitely many rows."""
    scores = []
    for share, recall in zip(SHARES, recalls, strict=True):
        joint = share[:, None] * confusion(recall)
        scores.append((2 * np.diag(joint) / (joint.sum(axis=0) + share)).mean())
    return float(np.mean(scores))


def draw_labels(generator: np.random.Generator, rows: int, missing: float = 0.1) -> np.ndarray:
    """Labels ``[rows, 2]``; some are missing."""
    labels = np.stack([generator.choice(3, size=rows, p=share) for share in SHARES], axis=1)
    labels[generator.random(labels.shape) < missing] = IGNORE_INDEX
    return labels


def draw_systems(
    generator: np.random.Generator,
    labels: np.ndarray,
    systems: Sequence[Sequence[np.ndarray]],
    shared_difficulty: float = 0.5,
) -> list[list[np.ndarray]]:
    """Decisions of systems with these recalls.

    :param shared_difficulty: share of rows that are equally hard for all systems, so that they err together.
    """
    common = [generator.random(len(labels)) for _ in TASKS]
    decided = []
    for recalls in systems:
        own = []
        for t, recall in enumerate(recalls):
            shared = generator.random(len(labels)) < shared_difficulty
            place = np.where(shared, common[t], generator.random(len(labels)))
            chances = confusion(recall)[np.maximum(labels[:, t], 0)].cumsum(axis=1)
            own.append((place[:, None] > chances).sum(axis=1).clip(max=2))
        decided.append(own)
    return decided


def better(by: float) -> tuple[np.ndarray, ...]:
    """Recalls that are higher than those of the base."""
    return tuple(recall + by for recall in BASE)


def some_seed(generator: np.random.Generator, recalls: Sequence[np.ndarray], spread: float) -> list[np.ndarray]:
    """Recalls of one run of a configuration: the seed moves them, all together and each by itself."""
    together = generator.normal() * spread
    return [np.clip(r + together + generator.normal(size=3) * spread / 2, 0.02, 0.98) for r in recalls]
