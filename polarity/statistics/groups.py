"""Rows in groups: how much a few groups, perhaps of very different sizes, can say."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from polarity.wording import out_of, times

FEWEST = 0.5
"""Degrees of freedom below which one group is nearly everything, and nothing can be said about another one."""


def group_freedom(sizes: np.ndarray) -> float:
    """Degrees of freedom of a standard error that is made of these groups.

    With g groups it is the effective number of groups minus 1,

        G* = (sum of v)^2 / (sum of v^2),    v = n (1 + r (n - 1)),

    v being the variance that a group of n rows contributes if its rows are correlated by r. So it is g - 1 for groups
    of equal size, and less the more one group outweighs the others. r is not estimated, which few groups do not allow.

    Carter, Schnepel and Steigerwald, Asymptotic Behavior of a t-Test Robust to Cluster Heterogeneity, Review of
    Economics and Statistics 2017.

    :param sizes: labelled rows of each group; those of 0 do not count.
    """
    sizes = np.asarray(sizes, dtype=np.float64)
    if not sizes.sum():
        return 0.0
    variances = sizes * (1 + CORRELATION * np.maximum(sizes - 1, 0))
    return max(0.0, float(variances.sum() ** 2 / (variances**2).sum()) - 1)


CORRELATION = 0.1
"""Of two rows of a group, for :func:`group_freedom`."""


def about_groups(column: str, values: Sequence[str]) -> str:
    """What intervals take as wholes, and where there is too little of it.

    :param values: of each row; one without a value is a group of its own.
    """
    named = Counter(value for value in values if value)
    alone = len(values) - named.total()
    sizes = np.array([*named.values(), *[1] * alone])
    freedom = group_freedom(sizes)
    if freedom < FEWEST:
        alike = len(sizes) < 2
        most = "all rows are" if alike else out_of(int(sizes.max()), len(values), "row", "is", "are")
        lacking = "" if alike else " of scores over all rows"  # a class may have rows of many groups
        return f"{most} of one {column}, which cannot say how it would be in another: there are no intervals{lacking}"
    without = f", and rows without one singly ({alone:,})" if alone else ""
    few = f", which count as {freedom + 1:.1f} of equal size" if freedom + 1.5 < len(sizes) else ""
    wholes = f"{times(len(named), 'value')} of {column} as wholes{without}"
    return f"intervals take the {wholes}{few}, since rows within are alike"
