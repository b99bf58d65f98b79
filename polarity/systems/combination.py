"""What a method becomes once it is fitted: from the members' logits of a task to those of the ensemble."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
from scipy.special import log_softmax, logsumexp

from polarity.calibration.scaling import Scaling
from polarity.content import Json

LEAST = float(np.log(1e-6))
"""Log-probability below which a member is not believed: one that is sure and wrong would outvote all the others."""


class Combination(Protocol):
    """One task's members put together."""

    @property
    def used(self) -> tuple[int, ...]:
        """Numbers of the members that have a say."""

    def only(self, members: Sequence[int]) -> "Combination":
        """The same of these members alone, which are all that have a say, in this order."""

    def log_probabilities(self, members: np.ndarray) -> np.ndarray:
        """float64 ``[rows, classes]`` from those of the members, calibrated, float64 ``[members, rows, classes]``."""

    def to_dict(self) -> Json:
        """Plain values that JSON can hold."""


@dataclass(frozen=True)
class LinearPool:
    """A linear pool: log p = log sum_m w_m p_m.

    :param weights: one for each member, not negative, with sum 1.
    """

    weights: tuple[float, ...]

    @classmethod
    def equal(cls, members: int) -> Self:
        """The plain average."""
        return cls((1 / members,) * members)

    @classmethod
    def single(cls, member: int, members: int) -> Self:
        """One member alone."""
        return cls(tuple(float(number == member) for number in range(members)))

    @property
    def used(self) -> tuple[int, ...]:
        return tuple(number for number, weight in enumerate(self.weights) if weight > 0)

    def only(self, members: Sequence[int]) -> Self:
        return replace(self, weights=tuple(self.weights[number] for number in members))

    def log_probabilities(self, members: np.ndarray) -> np.ndarray:
        used = list(self.used)
        return np.asarray(logsumexp(members[used], axis=0, b=np.asarray(self.weights)[used, None, None]))

    def to_dict(self) -> Json:
        return {"weights": list(self.weights)}


@dataclass(frozen=True)
class Stack:
    """A linear model on the members' log-probabilities: log p = log softmax(sum_m A_m log p_m + b).

    :param coefficients: A, float64 ``[classes, members, classes]``.
    :param shift: b, float64 ``[classes]``.
    """

    coefficients: np.ndarray
    shift: np.ndarray

    @property
    def used(self) -> tuple[int, ...]:
        return tuple(range(self.coefficients.shape[1]))

    def only(self, members: Sequence[int]) -> Self:
        return replace(self, coefficients=self.coefficients[:, list(members)])

    def log_probabilities(self, members: np.ndarray) -> np.ndarray:
        seen = np.maximum(members, LEAST)
        scores = np.einsum("cmk,mrk->rc", self.coefficients, seen, optimize=True) + self.shift
        return np.asarray(log_softmax(scores, axis=1)) if len(scores) else scores

    def to_dict(self) -> Json:
        return {"coefficients": self.coefficients.tolist(), "shift": self.shift.tolist()}


@dataclass(frozen=True)
class TaskEnsemble:
    """One task: each member calibrated, then put together.

    :param scalings: the calibration of each member.
    """

    scalings: tuple[Scaling, ...]
    combination: Combination

    def logits(self, members: Sequence[np.ndarray]) -> np.ndarray:
        """The ensemble's log-probabilities, float32 ``[rows, classes]``, from the members' logits of that shape."""
        calibrated = calibrated_by(self.scalings, members)
        return self.combination.log_probabilities(calibrated).astype(np.float32)

    def only(self, members: Sequence[int]) -> Self:
        """The same of these members alone, which are all that have a say."""
        scalings = tuple(self.scalings[number] for number in members)
        return replace(self, scalings=scalings, combination=self.combination.only(members))

    def to_dict(self) -> Json:
        """Plain values that JSON can hold."""
        return {"calibrations": [one.to_dict() for one in self.scalings], **self.combination.to_dict()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], members: int, classes: int) -> Self:
        """What :meth:`to_dict` gave, for so many members and classes.

        :raises KeyError, TypeError, ValueError: if it is something else.
        """
        scalings = tuple(Scaling.from_dict(one) for one in content["calibrations"])
        if [len(one.scale) for one in scalings] != [classes] * members:
            raise ValueError(f"there are not {members} calibrations of {classes} classes")
        combination: Combination
        if "weights" in content:
            weights = _numbers(content["weights"], (members,))
            if (weights < 0).any() or not np.isclose(weights.sum(), 1):
                raise ValueError("weights have to be shares")
            combination = LinearPool(tuple(weights.tolist()))
        else:
            coefficients = _numbers(content["coefficients"], (classes, members, classes))
            combination = Stack(coefficients, _numbers(content["shift"], (classes,)))
        return cls(scalings, combination)


def calibrated_by(scalings: Sequence[Scaling], members: Sequence[np.ndarray]) -> np.ndarray:
    """Log-probabilities of all members, float64 ``[members, rows, classes]``."""
    return np.stack([one.log_probabilities(logits) for one, logits in zip(scalings, members, strict=True)])


def _numbers(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != shape or not np.isfinite(numbers).all():
        raise ValueError(f"there are not {' x '.join(map(str, shape))} finite numbers")
    return numbers
