"""Class weights: computed from class counts, corrected by class name, capped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from polarity.errors import UserError
from polarity.settings import NonNegative, PerClass
from polarity.tasks import Task, class_problems

WeightMode = Literal["balanced", "effective"]
WeightRange = Annotated[list[NonNegative], Field(min_length=2, max_length=2)]
Beta = Annotated[float, Field(gt=0, lt=1)]


@dataclass(frozen=True, kw_only=True)
class ClassWeights:
    """Weights that follow from class counts, by a formula, by name, or both.

    For class c of a task with K classes, n_c labelled training rows of that class and N in all:

        w_c = clip(m_c * base_c, low, high)

    where base_c depends on the mode,

    * None: 1, so that the multipliers alone are weights by class name;
    * "balanced": N / (K n_c), every class has the same total weight;
    * "effective": (1 - beta) / (1 - beta^n_c), scaled to mean 1 over the classes: the inverse "effective number of
      samples" of Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR 2019 (arXiv 1901.05555).

    Nothing is normalised after the multipliers and the clip.

    :param mode: how base_c is computed.
    :param multipliers: m_c by task and class name; 1 for what is not named.
    :param clip: [low, high] for the final weights, or None.
    :param effective_beta: beta of the mode "effective"; the nearer to 1, the nearer to "balanced".
    """

    mode: WeightMode | None
    multipliers: PerClass
    clip: list[float] | None
    effective_beta: float | None

    def __post_init__(self) -> None:
        problems = []
        if self.mode == "effective" and self.effective_beta is None:
            problems.append("effective_beta: class_weights=effective needs it, for example 0.999")
        if self.mode != "effective" and self.effective_beta is not None:
            mode = self.mode or "null"
            problems.append(f"effective_beta: has no effect with class_weights={mode}; set it to null")
        if self.clip is not None and self.clip[0] > self.clip[1]:
            problems.append(f"clip: must be [low, high] with low <= high, got {list(self.clip)}")
        if self.clip is not None and self.clip[1] == 0:
            problems.append("clip: high has to be above 0; all weights would be 0, so nothing would be trained")
        if self.clip is not None and self.mode is None and not self.multipliers:
            problems.append("clip: has no effect with class_weights=null and no multipliers; set it to null")
        if problems:
            raise UserError(problems)

    def problems(self, tasks: Sequence[Task]) -> list[str]:
        """Multipliers of tasks or classes that do not exist, and those that leave nothing of a task."""
        nothing = [
            f"multipliers.{task.name}: all classes have 0, so nothing of it would be trained; "
            f"task_weights.{task.name}=0 leaves a task out"
            for task in tasks
            if not any(self.multipliers.get(task.name, {}).get(name, 1.0) for name in task.classes)
        ]
        return [*class_problems("multipliers", self.multipliers, tasks), *nothing]

    def compute(self, tasks: Sequence[Task], class_counts: Sequence[Sequence[int] | np.ndarray]) -> list[np.ndarray]:
        """One float64 array ``[classes]`` per task.

        :param class_counts: labelled rows of each class in the training split, one array per task.
        :raises UserError: if a class without rows would get an infinite weight.
        """
        counts = [np.asarray(count, dtype=np.float64) for count in class_counts]
        self._refuse_empty_classes(tasks, counts)
        weights = []
        for task, count in zip(tasks, counts, strict=True):
            named = self.multipliers.get(task.name, {})
            weight = self._base(count) * [named.get(name, 1.0) for name in task.classes]
            low, high = self.clip or (-np.inf, np.inf)
            weights.append(weight.clip(low, high))
        return weights

    def _base(self, counts: np.ndarray) -> np.ndarray:
        if self.mode == "balanced":
            return np.asarray(counts.sum() / (len(counts) * counts))
        if self.effective_beta is not None:
            # beta^n - 1 without the cancellation that beta**n - 1 suffers for beta near 1; the mean takes the sign away
            inverse = np.reciprocal(np.expm1(counts * np.log(self.effective_beta)))
            return np.asarray(inverse / inverse.mean())
        return np.ones_like(counts)

    def _refuse_empty_classes(self, tasks: Sequence[Task], counts: Sequence[np.ndarray]) -> None:
        if self.mode is None:
            return
        problems = [
            f"class_weights: {task.name}.{name} has no labelled training row, so its weight would be infinite"
            for task, count in zip(tasks, counts, strict=True)
            for name, rows in zip(task.classes, count, strict=True)
            if rows == 0
        ]
        if problems:
            raise UserError(problems)
