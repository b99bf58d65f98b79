"""The gain of one way of deciding, or of calibrating, over another on the same rows, with its standard error."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from polarity.evaluation.metrics import score_task
from polarity.statistics.groups import FEWEST, group_freedom
from polarity.tasks import IGNORE_INDEX, Task


@dataclass(frozen=True)
class Gain:
    """How much better the second is than the first.

    :param standard_error: of the difference, the rows (or their groups) being a sample; 0 where nothing differs.
    :param freedom: degrees of freedom of the standard error; taken as infinite for independent rows.
    """

    value: float
    standard_error: float
    freedom: float = math.inf

    @property
    def known(self) -> bool:
        """Whether the standard error is: not where (nearly) all rows are of one group."""
        return self.freedom >= FEWEST

    def exceeds(self, standard_errors: float) -> bool:
        """Whether it is larger than so many standard errors, and larger than 0.

        Few degrees of freedom ask for more: as many as are exceeded by chance as rarely.
        """
        return self.known and self.value > max(1e-12, self._needed(standard_errors) * self.standard_error)

    def asked(self, standard_errors: float) -> str:
        """How many standard errors are needed where so many were asked for, in words."""
        asked, needed = f"{standard_errors:.3g}", f"{self._needed(standard_errors):.3g}"
        if needed == "inf":
            return "with so few groups no number of these would be enough"
        few = "" if needed == asked else f", {needed} with so few groups,"
        return f"more than {asked} of these{few} were asked for"

    def _needed(self, standard_errors: float) -> float:
        needed = float(student.isf(norm.sf(standard_errors), self.freedom))
        return needed if math.isfinite(needed) else math.inf


def gain(
    task: Task, labels: np.ndarray, first: np.ndarray, second: np.ndarray, groups: np.ndarray | None = None
) -> Gain:
    """The gain in macro-F1 of ``second`` over ``first``; class indices ``[rows]``, every row with a label.

    The standard error is that of the delta method. With the shares v of rows that are of class c or decided as c (a row
    that is both counts twice) and F the class's F1, row i pulls F by

        (2 [i is a hit of c] - F ([label is c] + [decision is c])) / v

    and the variance of the difference is that of the mean of these pulls, second minus first, averaged over classes.

    :param groups: number of each row's group; then the pulls of a group count as one. None: rows are independent.
    """
    scores = [score_task(task, labels, decided) for decided in (first, second)]
    values = [score.macro_f1 for score in scores]
    if values[0] is None or values[1] is None:
        return Gain(0.0, 0.0)
    pulls = _pulls(labels, second, len(task.classes)) - _pulls(labels, first, len(task.classes))
    return Gain(values[1] - values[0], *standard_error(pulls, groups))


def overall_gain(
    tasks: Sequence[Task],
    labels: np.ndarray,
    first: Sequence[np.ndarray],
    second: Sequence[np.ndarray],
    groups: np.ndarray | None = None,
) -> Gain:
    """The gain in overall macro-F1, the mean over the tasks that have labels; its standard error likewise.

    A row pulls by the mean of what it pulls in the tasks that it has a label of, each times rows / labelled rows.

    :param labels: int64 ``[rows, tasks]``.
    :param first: class indices ``[rows]``, one array per task; ``second`` likewise.
    """
    pulls, values = np.zeros(len(labels)), list[float]()
    for number, task in enumerate(tasks):
        known = labels[:, number] != IGNORE_INDEX
        if known.any():
            own, before, after = (each[known] for each in (labels[:, number], first[number], second[number]))
            values.append(gain(task, own, before, after).value)
            classes = len(task.classes)
            pulls[known] += (_pulls(own, after, classes) - _pulls(own, before, classes)) / known.mean()
    if not values:
        return Gain(0.0, 0.0)
    return Gain(float(np.mean(values)), *standard_error(pulls / len(values), groups))


def standard_error(pulls: np.ndarray, groups: np.ndarray | None) -> tuple[float, float]:
    """Standard error of the mean of what rows contribute ``[rows]``, and its degrees of freedom.

    Of groups it is that of Liang and Zeger, Longitudinal data analysis using generalized linear models, Biometrika
    1986, with the factor g / (g - 1).
    """
    rows = len(pulls)
    if groups is None:
        return (float(pulls.std(ddof=1)) / math.sqrt(rows) if rows > 1 else 0.0), math.inf
    numbers = np.unique(groups, return_inverse=True)[1]
    sums, sizes = np.bincount(numbers, pulls - pulls.mean()), np.bincount(numbers)
    units = len(sizes)
    error = math.sqrt(units / (units - 1) * float((sums**2).sum())) / rows if units > 1 else 0.0
    return error, group_freedom(sizes)


def _pulls(labels: np.ndarray, decided: np.ndarray, classes: int) -> np.ndarray:
    """How each row pulls macro-F1, float64 ``[rows]``."""
    total = np.zeros(len(labels))
    for c in range(classes):
        involved = (labels == c).astype(np.float64) + (decided == c)
        hits = (labels == c) & (decided == c)
        share = involved.mean()
        if share:
            total += (2 * hits - 2 * hits.mean() / share * involved) / share
    return total / classes
