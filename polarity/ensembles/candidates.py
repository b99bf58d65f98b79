"""What is judged against the best member: ways to make one system that are fitted to some rows and asked about all."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from polarity.calibration.base import Calibration
from polarity.calibration.scaling import Scaling
from polarity.decisions.base import Decision
from polarity.ensembles.blend import Blend
from polarity.evaluation.metrics import score
from polarity.evaluation.predictions import Predictions
from polarity.posthoc import fit_decider
from polarity.systems.combination import LinearPool, TaskEnsemble, calibrated_by
from polarity.tasks import IGNORE_INDEX, Task

Logits = Sequence[np.ndarray]
"""``[rows, classes]``, one array per task."""


@dataclass(frozen=True)
class MemberRows:
    """What all members say about the same rows.

    :param rows: ids, labels and groups; what is predicted there does not count.
    :param logits: of each member.
    """

    rows: Predictions
    logits: Sequence[Logits]

    @property
    def tasks(self) -> list[Task]:
        """The tasks, in the order of the logits."""
        return [item.task for item in self.rows.tasks]

    @property
    def best(self) -> int:
        """Number of the member that stands best."""
        return int(np.argmax([self.standing(logits) for logits in self.logits]))

    def standing(self, logits: Logits, inside: np.ndarray | slice = slice(None)) -> float:
        """Overall macro-F1 by argmax of such logits of all rows, on the rows ``inside``."""
        predicted = [own[inside].argmax(axis=1) for own in logits]
        return score(self.tasks, self.rows.labels[inside], predicted).overall

    def said(self, logits: Logits) -> Predictions:
        """The rows with other logits."""
        tasks = tuple(replace(item, logits=own) for item, own in zip(self.rows.tasks, logits, strict=True))
        return replace(self.rows, tasks=tasks)


class Candidate(ABC):
    """A way to make one system.

    :param name: as in tables and settings.
    """

    name: str

    @abstractmethod
    def logits(self, inside: np.ndarray) -> Logits:
        """Of all rows, by what is fitted to those ``inside``, bool ``[rows]``."""


@dataclass(frozen=True)
class Alone(Candidate):
    """One member, as it is."""

    name: str
    own: Logits

    def logits(self, inside: np.ndarray) -> Logits:
        return self.own


@dataclass(frozen=True)
class Blended(Candidate):
    """Members' probabilities put together.

    :param calibration: of each member, before.
    """

    name: str
    members: MemberRows
    blend: Blend
    calibration: Calibration

    def fit(self, inside: np.ndarray) -> list[TaskEnsemble]:
        """What is fitted to the rows ``inside``, for each task; the plain average where they tell nothing apart."""
        return [self._fit_task(number, task, inside) for number, task in enumerate(self.members.tasks)]

    def logits(self, inside: np.ndarray) -> Logits:
        by_task = zip(*self.members.logits, strict=True)
        return [fitted.logits(members) for fitted, members in zip(self.fit(inside), by_task, strict=True)]

    def _fit_task(self, number: int, task: Task, inside: np.ndarray) -> TaskEnsemble:
        labels = self.members.rows.labels[:, number]
        chosen = inside & (labels != IGNORE_INDEX)
        labels, logits = labels[chosen], [np.asarray(each[number][chosen], float) for each in self.members.logits]
        if len(np.unique(labels)) < 2:
            return TaskEnsemble((Scaling.identity(len(task.classes)),) * len(logits), LinearPool.equal(len(logits)))
        scalings = tuple(self.calibration.fit(each, labels) for each in logits)
        return TaskEnsemble(scalings, self.blend.fit(task, calibrated_by(scalings, logits), labels))


@dataclass(frozen=True)
class Rulings:
    """How logits become decisions, and how rows are dealt out to judge that.

    :param folds: number of each row's fold, ``[rows]``.
    """

    calibration: Calibration
    decision: Decision
    folds: np.ndarray

    def decided(self, candidate: Candidate, members: MemberRows) -> list[np.ndarray]:
        """Decisions ``[rows]`` per task, each by what was fitted without the row's fold: weights, calibration, rule."""
        decided = [np.empty(len(members.rows), dtype=np.int64) for _ in members.tasks]
        for fold in np.unique(self.folds):
            out = self.folds == fold
            said = members.said(candidate.logits(~out))
            fitted = fit_decider(said.select(~out), self.calibration, self.decision, evidence=False, whole=said)
            for own, ruled in zip(decided, fitted.decider.apply(said.select(out)).tasks, strict=True):
                own[out] = ruled.predicted
        return decided
