"""The exact best cut: where to divide rows, sorted by a score, between one class and what they else would be."""

from dataclasses import dataclass

import numpy as np

ROUNDING = 16 * float(np.finfo(np.float64).eps)
"""Scores nearer than this, measured by the numbers that they were computed from, count as tied."""

GAIN = 1e-12
"""Sums of F1 that differ by less are equal but for rounding."""


@dataclass(frozen=True)
class Contest:
    """Rows that go to class ``target`` if their score reaches the cut, and else to another class.

    :param labels: class indices ``[rows]``.
    :param others: the class of each row that the target does not get, ``[rows]``; never the target.
    :param scores: float64 ``[rows]``.
    :param resolution: float64 ``[rows]``, the error of each score from rounding.
    """

    target: int
    labels: np.ndarray
    others: np.ndarray
    scores: np.ndarray
    resolution: np.ndarray


def best_cut(contest: Contest, settled: np.ndarray) -> tuple[float, float]:
    """The cut with the largest sum of F1 over classes, and that sum.

    Every breakpoint is tried: with the rows sorted by score, the counts behind each F1 change by one row at a time, so
    that all cuts together cost one sort, O(N log N). The cut lies in the middle between two scores, as far from both as
    possible; tied rows are never torn apart.

    :param settled: confusion of the rows that no cut moves, int64 ``[classes, classes]``, rows are labels.
    """
    order = np.argsort(-contest.scores, kind="stable")
    scores, slack = contest.scores[order], contest.resolution[order]
    sums = _sums_of_f1(contest, order, settled)
    free = np.ones(len(sums), dtype=bool)
    free[1:-1] = scores[:-1] - scores[1:] > slack[:-1] + slack[1:]
    place = int(np.where(free, sums, -np.inf).argmax())
    return _between(scores, place), float(sums[place])


def _sums_of_f1(contest: Contest, order: np.ndarray, settled: np.ndarray) -> np.ndarray:
    """The sum of F1 when the target gets the first 0, 1, ... rows, ``[rows + 1]``."""
    labels, others = contest.labels[order], contest.others[order]
    support = np.bincount(labels, minlength=len(settled)) + settled.sum(axis=1)
    total = np.zeros(len(labels) + 1)
    for c in range(len(settled)):
        if c == contest.target:
            predicted, hits = np.arange(len(total)), _running(labels == c)
        else:
            left, right = _running(others == c), _running((others == c) & (labels == c))
            predicted, hits = left[-1] - left, right[-1] - right
        predicted = predicted + settled[:, c].sum()
        total += 2 * (hits + settled[c, c]) / np.maximum(predicted + support[c], 1)
    return total


def _running(values: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(values)])


def _between(scores: np.ndarray, place: int) -> float:
    """A cut that the first ``place`` of the falling scores reach, and no other."""
    if place == 0:
        return float(scores[0] + max(1.0, abs(scores[0])))
    if place == len(scores):
        return float(scores[-1] - max(1.0, abs(scores[-1])))
    return float(scores[place - 1] / 2 + scores[place] / 2)


def sum_of_f1(table: np.ndarray) -> float:
    """Sum of the classes' F1 from their confusion."""
    return float((2 * np.diag(table) / np.maximum(table.sum(axis=0) + table.sum(axis=1), 1)).sum())
