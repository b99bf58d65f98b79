"""The settings of a search."""

from collections.abc import Mapping
from typing import Literal

from polarity.settings import PositiveInt


class SearchSettings:
    """How values are proposed, and how often.

    :param sampler: ``tpe`` (Tree-structured Parzen Estimator), ``gp`` (Gaussian process) or ``random``.
    :param trials: how many configurations are tried in all.
    :param seeds: runs of each, by which it is judged: their mean.
    :param pruner: what ends a run early whose epochs are worse than those of others; None for nothing.
    :param params: the values of each setting that is searched, in Hydra's grammar.
    """

    def __init__(
        self,
        *,
        sampler: Literal["tpe", "gp", "random"] = "tpe",
        trials: PositiveInt = 20,
        seeds: PositiveInt = 1,
        pruner: Literal["median", "hyperband"] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> None:
        self.sampler, self.trials, self.seeds, self.pruner, self.params = sampler, trials, seeds, pruner, params
