"""How much of the differences between configurations each setting explains."""

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from polarity.reports.html.sweep.content import Configuration
from polarity.reports.html.sweep.parameters import Level, SearchedParameter, levels_of

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

FEWEST = 10
"""Configurations that fANOVA is grown from at least; of fewer its trees tell little but chance."""


@dataclass(frozen=True)
class Importance:
    """Of one setting.

    :param fanova: share of the score's variance over the whole space that its main effect explains, the mean over all
        values of the others, in a forest; None if it is not known.
    :param alone: share of the variance between configurations that it explains by itself; None if that cannot be told.
    :param highest: the value with the highest mean score, and ``lowest`` that with the lowest.
    """

    parameter: SearchedParameter
    fanova: float | None
    alone: float | None
    highest: Level
    lowest: Level

    @property
    def order(self) -> float:
        """By which settings are ranked."""
        return next((share for share in (self.fanova, self.alone) if share is not None), 0.0)


def importances(parameters: Sequence[SearchedParameter], configurations: Sequence[Configuration]) -> list[Importance]:
    """Of each setting that has several values with scores, the most important one first."""
    levels = {parameter.key: levels_of(parameter, configurations) for parameter in parameters}
    several = [parameter for parameter in parameters if len(levels[parameter.key]) > 1]
    shares = _fanova(several, configurations) if why_no_fanova(configurations) is None else {}
    found = [
        Importance(
            parameter,
            shares.get(parameter.key),
            explained(own := levels[parameter.key]),
            max(own, key=lambda level: level.mean),
            min(own, key=lambda level: level.mean),
        )
        for parameter in several
    ]
    return sorted(found, key=lambda one: -one.order)


def explained(levels: Sequence[Level]) -> float | None:
    """Epsilon squared: the share of the variance between configurations that lies between the levels.

    What chance alone puts there is taken off. None if each level has one score, or all are equal. Kelley, An unbiased
    correlation ratio measure, 1935.
    """
    scores = np.concatenate([level.scores for level in levels])
    between, within = len(levels) - 1, len(scores) - len(levels)
    total = float(((scores - scores.mean()) ** 2).sum())
    if within < 1 or scores.min() == scores.max():
        return None
    error = sum(float(((np.array(level.scores) - level.mean) ** 2).sum()) for level in levels) / within
    return max(0.0, (total - error * within - error * between) / total)


def why_no_fanova(configurations: Sequence[Configuration]) -> str | None:
    """The reason in a sentence; None if there is none."""
    what = "Optuna's fANOVA, which weighs all that was searched alike, needs"
    if find_spec("optuna") is None:
        return f"{what} the package optuna: pip install 'polarity[search]'."
    return f"{what} {FEWEST} configurations." if len(configurations) < FEWEST else None


def _fanova(parameters: Sequence[SearchedParameter], configurations: Sequence[Configuration]) -> dict[str, float]:
    """Hutter, Hoos and Leyton-Brown, An efficient approach for assessing hyperparameter importance, 2014."""
    import optuna

    known = [parameter for parameter in parameters if all(parameter.key in one.values for one in configurations)]
    if not known or len({one.mean for one in configurations}) < 2:
        return {}
    space = {parameter.key: _distribution(parameter) for parameter in known}
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study = optuna.create_study(direction="maximize")
            for one in configurations:
                values = {p.key: p.places[one.values[p.key]] if p.numeric else one.values[p.key] for p in known}
                study.add_trial(optuna.trial.create_trial(params=values, distributions=space, value=one.mean))
            evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
            with suppress(RuntimeError):  # where no tree finds a difference
                # not rescaled to a sum of 1, which would give shares to settings that explain nothing
                return dict(optuna.importance.get_param_importances(study, evaluator=evaluator, normalize=False))
            return {}
    finally:
        optuna.logging.set_verbosity(verbosity)


def _distribution(parameter: SearchedParameter) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if not parameter.numeric:
        return CategoricalDistribution(list(parameter.values))
    return FloatDistribution(0.0, 1.0)  # of places, which know about orders of magnitude
