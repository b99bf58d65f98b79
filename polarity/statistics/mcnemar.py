"""McNemar's test on errors."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest


@dataclass(frozen=True)
class McNemar:
    """Rows that only one of two systems has right.

    :param only_first: rows that only the first has right.
    :param only_second: rows that only the second has right.
    :param p: exact two-sided p-value of both being equally likely.
    """

    only_first: int
    only_second: int
    p: float


def mcnemar(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> McNemar:
    """McNemar's exact test: the rows that one system alone has right are as likely to be the first's as the second's.

    McNemar, Note on the sampling error of the difference between correlated proportions or percentages, Psychometrika
    1947. It is about accuracy, not macro-F1: a system that is better at rare classes only can lose here.

    :param labels: class indices ``[rows]``, each row with a label.
    """
    only_first = int(((first == labels) & (second != labels)).sum())
    only_second = int(((second == labels) & (first != labels)).sum())
    discordant = only_first + only_second
    p = float(binomtest(only_second, discordant).pvalue) if discordant else 1.0
    return McNemar(only_first, only_second, p)
