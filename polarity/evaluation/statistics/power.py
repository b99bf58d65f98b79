"""How many rows, or seeds, it would take to see a difference."""

import math

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from polarity.evaluation.statistics.seeds import Estimate, Runs

POWER = 0.8
MOST_SEEDS = 1000
MOST_FREEDOM = 1e6  # beyond, Student's distribution is the normal one


def rows_needed(found: Estimate, rows: int, difference: float, confidence: float = 0.95) -> int | None:
    """Rows with which a true ``difference`` is found with a power of 80 %, the number of seeds staying as it is.

    The variance from rows falls as 1 / rows, that from seeds does not:

        rows * Var_rows / (v - Var_seeds),  v = (difference / (z_{1 - alpha/2} + z_{0.8}))^2.

    :param rows: rows that ``found`` comes from.
    :returns: None where the seeds alone vary too much.
    """
    allowed = float(difference / (norm.ppf((1 + confidence) / 2) + norm.ppf(POWER))) ** 2
    if found.between >= allowed:
        return None
    return max(1, math.ceil(rows * found.rows / (allowed - found.between)))


def seeds_needed(found: Estimate, first: Runs, second: Runs, difference: float, confidence: float = 0.95) -> int | None:
    """Seeds of each configuration with which a true ``difference`` is found with a power of 80 %, on the same rows.

    :returns: None where the rows alone vary too much, or where nothing is known about the seed.
    """
    known = [max(runs.variance, runs.interaction) for runs in (first, second) if runs.count > 1]
    if not known:
        return None
    lent = sum(known) / len(known)
    parts = [
        0.0 if runs.fixed else max(runs.variance, runs.interaction) if runs.count > 1 else lent
        for runs in (first, second)
    ]
    seeds = np.arange(2, MOST_SEEDS + 1)
    total = max(0.0, found.rows - found.interaction) + sum(parts) / seeds
    uncertain = sum(part**2 for part in parts) / seeds**2 / (seeds - 1)
    freedom = np.minimum(total**2 / np.maximum(uncertain, np.finfo(float).tiny), MOST_FREEDOM)
    reach = student.ppf((1 + confidence) / 2, freedom) + student.ppf(POWER, freedom)
    enough = seeds[total * reach**2 <= difference**2]
    return int(enough[0]) if len(enough) else None
