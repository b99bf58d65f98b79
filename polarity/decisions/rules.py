"""Fitted decision rules: pure functions from what a model says about a row to a class."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from polarity.content import Json


class Rule(ABC):
    """How classes of one task are chosen. Of equally good classes the first is taken."""

    kind: str
    """How files call it."""

    @abstractmethod
    def decide(self, logits: np.ndarray, log_probabilities: np.ndarray) -> np.ndarray:
        """Class indices, int64 ``[rows]``.

        :param logits: float64 ``[rows, classes]``, raw.
        :param log_probabilities: float64 ``[rows, classes]``, calibrated.
        """

    @abstractmethod
    def to_dict(self) -> Json:
        """Plain values that JSON can hold."""


@dataclass(frozen=True)
class LargestLogit(Rule):
    """The class with the largest RAW logit: calibration changes probabilities, never this decision."""

    kind = "argmax"

    def decide(self, logits: np.ndarray, log_probabilities: np.ndarray) -> np.ndarray:
        return np.asarray(logits.argmax(axis=1))

    def to_dict(self) -> Json:
        return {"kind": self.kind}


@dataclass(frozen=True)
class AddedBias(Rule):
    """The class with the largest ``log p + bias``.

    :param bias: one number per class; only differences matter.
    """

    kind = "bias"
    bias: tuple[float, ...]

    def decide(self, logits: np.ndarray, log_probabilities: np.ndarray) -> np.ndarray:
        return np.asarray((log_probabilities + np.asarray(self.bias)).argmax(axis=1))

    def to_dict(self) -> Json:
        return {"kind": self.kind, "bias": list(self.bias)}


@dataclass(frozen=True)
class OrderedThresholds(Rule):
    """The classes are asked in order; the first that is probable enough takes the row, the last takes what is left.

    :param order: class indices, in the order in which they are asked.
    :param thresholds: by class index, what ``log p`` has to reach; None: to be the most probable class.
    """

    kind = "threshold"
    order: tuple[int, ...]
    thresholds: tuple[float | None, ...]

    def decide(self, logits: np.ndarray, log_probabilities: np.ndarray) -> np.ndarray:
        top = log_probabilities.argmax(axis=1)
        decided = np.full(len(top), self.order[-1], dtype=np.int64)
        for c in reversed(self.order[:-1]):
            threshold = self.thresholds[c]
            decided[top == c if threshold is None else log_probabilities[:, c] >= threshold] = c
        return decided

    def to_dict(self) -> Json:
        return {"kind": self.kind, "order": list(self.order), "log_thresholds": list(self.thresholds)}


def rule_from_dict(content: Mapping[str, Any], classes: int) -> Rule:
    """What :meth:`Rule.to_dict` gave.

    :raises KeyError, TypeError, ValueError: if it is something else, or for another number of classes.
    """
    kind = content["kind"]
    if kind == LargestLogit.kind:
        return LargestLogit()
    if kind == AddedBias.kind:
        bias = tuple(float(value) for value in content["bias"])
        if len(bias) == classes and np.isfinite(bias).all():
            return AddedBias(bias)
    if kind == OrderedThresholds.kind:
        order = tuple(int(value) for value in content["order"])
        thresholds = tuple(None if value is None else float(value) for value in content["log_thresholds"])
        known = [value for value in thresholds if value is not None]
        if sorted(order) == list(range(classes)) and len(thresholds) == classes and np.isfinite(known).all():
            return OrderedThresholds(order, thresholds)
    raise ValueError(f"{dict(content)} is no decision rule for {classes} classes")
