"""Logit adjustment to given class priors."""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from polarity.confusion import class_counts
from polarity.decisions.base import Decision
from polarity.decisions.rules import AddedBias, Rule
from polarity.errors import UserError
from polarity.settings import NonNegative
from polarity.tasks import Task, class_problems

Share = Annotated[float, Field(gt=0, lt=1)]
Shares = dict[str, dict[str, Share]]
Strength = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Source = Literal["validation", "uniform"] | Shares
Target = Literal["uniform"] | Shares


class PriorDecision(Decision):
    r"""Probabilities carried over from the class shares that the model assumes to those that are wanted.

    .. math:: \hat y = \operatorname{argmax}_c \bigl(\log p_c + \tau (\log \pi^{target}_c - \log \pi^{source}_c)\bigr)

    With tau 1 and the shares of another population this is Bayes' rule, if only the shares differ (Saerens, Latinne and
    Decaestecker, Adjusting the Outputs of a Classifier to New a Priori Probabilities, Neural Computation 14, 2002).
    With a uniform target it aims at the balanced error, the mean recall (Menon et al., Long-tail Learning via Logit
    Adjustment, ICLR 2021, arXiv 2007.07314, post hoc); that is not macro-F1, which also asks for precision.

    Validation can judge a uniform target. It cannot judge the shares of another population: give ``standard_errors``
    null with those, and the rule is kept as you ask for it. Probabilities are not changed, only decisions.

    :param target: "uniform", or the shares as ``{task: {class: share}}`` for every task and class.
    :param source: what the model assumes: "validation", the shares among its labelled rows (right for a model that was
        trained on such rows without weights); "uniform" (nearer to one trained with balanced weights or draws); or as
        ``target``.
    :param tau: how far to go; 1 is the whole way.
    :param standard_errors: how many standard errors the cross-fitted gain has to exceed, or plain argmax is kept; None
        keeps the rule always.
    """

    def __init__(
        self,
        *,
        target: Target = "uniform",
        source: Source = "validation",
        tau: Strength = 1.0,
        standard_errors: NonNegative | None = 1.5,
    ) -> None:
        self.target = target
        self.source = source
        self.tau = tau
        self.standard_errors = standard_errors
        problems = [*_share_problems("target", target), *_share_problems("source", source)]
        if target == source:
            problems.append(f"target: is the same as source ({target}), so nothing would be adjusted")
        if problems:
            raise UserError(problems)

    def problems(self, tasks: Sequence[Task]) -> list[str]:
        return [*_name_problems("target", self.target, tasks), *_name_problems("source", self.source, tasks)]

    def fit(self, task: Task, log_probabilities: np.ndarray, labels: np.ndarray) -> Rule:
        moved = np.log(_shares(self.target, task, labels)) - np.log(_shares(self.source, task, labels))
        return AddedBias(tuple((self.tau * (moved - moved.mean())).tolist()))


def _shares(given: Source, task: Task, labels: np.ndarray) -> np.ndarray:
    """float64 ``[classes]``."""
    if given == "uniform":
        return np.full(len(task.classes), 1 / len(task.classes))
    if given == "validation":
        # a class that is absent counts as half a row, since nothing can be said about its share but that it is small
        return np.asarray(np.maximum(class_counts(labels, len(task.classes)), 0.5) / len(labels))
    assert not isinstance(given, str)
    return np.array([given[task.name][name] for name in task.classes])


def _share_problems(key: str, given: Source) -> list[str]:
    if isinstance(given, str):
        return []
    sums = {name: sum(shares.values()) for name, shares in given.items()}
    return [
        f"{key}.{name}: the shares sum to {total:g}, not to 1" for name, total in sums.items() if abs(total - 1) > 1e-6
    ]


def _name_problems(key: str, given: Source, tasks: Sequence[Task]) -> list[str]:
    if isinstance(given, str):
        return []
    missing = [
        f"{key}.{task.name}.{name}: has no share; name every class of every task"
        for task in tasks
        for name in task.classes
        if name not in given.get(task.name, {})
    ]
    return class_problems(key, given, tasks) + missing
