"""Joint counts of two tasks, and how strongly they go together."""

from itertools import combinations

import numpy as np
from scipy.stats import chi2_contingency

from polarity.inspection.pool import Pool
from polarity.inspection.result import JointCounts
from polarity.tasks import IGNORE_INDEX


def joint_counts(pool: Pool) -> tuple[JointCounts, ...]:
    """One table for each pair of tasks."""
    return tuple(_pair(pool, first, second) for first, second in combinations(range(len(pool.tasks)), 2))


def _pair(pool: Pool, first: int, second: int) -> JointCounts:
    one, other = pool.tasks[first], pool.tasks[second]
    tables = {}
    for name, inside in pool.by_split():
        labels = pool.rows.labels[inside][:, [first, second]]
        both = labels[(labels != IGNORE_INDEX).all(axis=1)]
        table = np.zeros((len(one.classes), len(other.classes)), dtype=np.int64)
        np.add.at(table, (both[:, 0], both[:, 1]), 1)
        tables[name] = table
    total = np.sum(list(tables.values()), axis=0)
    rows = {name: tuple(tuple(line) for line in table.tolist()) for name, table in tables.items()}
    return JointCounts(one.name, other.name, one.classes, other.classes, rows, int(total.sum()), cramers_v(total))


def cramers_v(table: np.ndarray) -> float | None:
    """Cramer's V with the correction of Bergsma (Journal of the Korean Statistical Society 42, 2013).

        phi2 = max(0, chi2 / n - (r - 1)(c - 1) / (n - 1)),  r' = r - (r - 1)^2 / (n - 1),  c' likewise,
        V = sqrt(phi2 / (min(r', c') - 1))

    Without it V would grow as rows get fewer, also for tasks that have nothing to do with each other.

    :param table: counts ``[classes of one, classes of the other]``; classes that do not occur are left out.
    :returns: a value from 0 to 1; None with fewer than two classes of either, or fewer rows than can be corrected for.
    """
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    r, c = table.shape
    n = int(table.sum())
    if min(r, c) < 2:
        return None
    chi2 = float(chi2_contingency(table, correction=False).statistic)
    phi2 = max(0.0, chi2 / n - (r - 1) * (c - 1) / (n - 1))
    room = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return min(1.0, float(np.sqrt(phi2 / room))) if room > 1e-12 else None
