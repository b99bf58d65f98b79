"""Holm's correction for many tests."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Corrected p-values: the chance of even one false "different" among all tests stays below the level.

    With p_(1) <= ... <= p_(n), the i-th becomes max over j <= i of min(1, (n - j + 1) p_(j)).

    Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 1979.
    """
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values, kind="stable")
    steps = np.minimum(1, np.arange(len(values), 0, -1) * values[order])
    corrected = np.empty_like(values)
    corrected[order] = np.maximum.accumulate(steps)
    return [float(value) for value in corrected]
