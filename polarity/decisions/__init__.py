"""Decisions: which class a row's probabilities mean. One method a file, chosen by ``decision=NAME``.

>>> import numpy as np
>>> from polarity.tasks import Task
>>> task, labels = Task("tone", ("calm", "angry"), "tone"), np.array([0, 0, 0, 1, 1])
>>> p = np.log([[0.9, 0.1], [0.8, 0.2], [0.9, 0.1], [0.7, 0.3], [0.55, 0.45]])
>>> PriorDecision().fit(task, p, labels).decide(p, p).tolist()
[0, 0, 0, 0, 1]
>>> BiasDecision(min_rows=1).fit(task, p, labels).decide(p, p).tolist()
[0, 0, 0, 1, 1]
"""

from polarity.decisions.argmax import Argmax
from polarity.decisions.base import Decision
from polarity.decisions.bias import BiasDecision
from polarity.decisions.prior import PriorDecision
from polarity.decisions.rules import AddedBias, LargestLogit, OrderedThresholds, Rule
from polarity.decisions.threshold import ThresholdDecision

__all__ = [
    "AddedBias",
    "Argmax",
    "BiasDecision",
    "Decision",
    "LargestLogit",
    "OrderedThresholds",
    "PriorDecision",
    "Rule",
    "ThresholdDecision",
]
