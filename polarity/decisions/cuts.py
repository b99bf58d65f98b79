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
    """The sum of F1 when the target gets the first 0, 1, ... rows, ``[rows + 1]``.

    A row that goes over changes the F1 of two classes alone, so that many classes cost no more than few.
    """
    labels, others = contest.labels[order], contest.others[order]
    classes = len(settled)
    both = np.bincount(labels, minlength=classes) + settled.sum(axis=1) + settled.sum(axis=0)
    leaving = np.argsort(others, kind="stable")  # class by class, as they go over
    left, right = others[leaving], (labels == others)[leaving]
    members, correct = np.bincount(others, minlength=classes), np.bincount(left[right], minlength=classes)
    staying = np.cumsum(members)[left] - np.arange(len(left))
    hits = (np.cumsum(correct) + np.diag(settled))[left] - np.cumsum(right) + right
    change = np.empty(len(labels))
    change[leaving] = _f1(hits - right, staying - 1 + both[left]) - _f1(hits, staying + both[left])
    rest = np.delete(_f1(correct + np.diag(settled), members + both), contest.target).sum()
    gained = np.concatenate([[0], np.cumsum(labels == contest.target)]) + settled[contest.target, contest.target]
    sums: np.ndarray = np.concatenate([[rest], change]).cumsum()
    sums += _f1(gained, np.arange(len(gained)) + both[contest.target])
    return sums


def _f1(hits: np.ndarray, both: np.ndarray) -> np.ndarray:
    """From true positives, and rows predicted and labelled so, counted one by one and added."""
    return np.asarray(2 * hits / np.maximum(both, 1))


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
