"""The fitted calibration and decision rule of every task, as it is stored beside the model's weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from polarity.calibration.scaling import Scaling
from polarity.content import Json
from polarity.decisions.rules import LargestLogit, Rule, rule_from_dict
from polarity.errors import UserError, nearest
from polarity.evaluation.predictions import Predictions
from polarity.files import read_object, write_json
from polarity.wording import times

FILE = "decision.json"
VERSION = 1
DecisionChoice = Literal["stored", "argmax"]


@dataclass(frozen=True)
class TaskDecider:
    """What one task's logits become.

    :param classes: class names, in the order of their indices.
    """

    classes: tuple[str, ...]
    scaling: Scaling
    rule: Rule

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Calibrated probabilities, float64 ``[rows, classes]``."""
        return np.asarray(np.exp(self.scaling.log_probabilities(logits)))

    def decide(self, logits: np.ndarray) -> np.ndarray:
        """Class indices, int64 ``[rows]``."""
        return self.rule.decide(logits.astype(np.float64), self.scaling.log_probabilities(logits))

    def to_dict(self) -> Json:
        """Plain values that JSON can hold."""
        return {"classes": list(self.classes), "calibration": self.scaling.to_dict(), "rule": self.rule.to_dict()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` gave.

        :raises KeyError, TypeError, ValueError: if it is something else.
        """
        classes = tuple(str(name) for name in content["classes"])
        scaling = Scaling.from_dict(content["calibration"])
        if not len(classes) == len(scaling.scale) == len(scaling.shift):
            raise ValueError(f"the calibration is not for {times(len(classes), 'class', 'classes')}")
        return cls(classes, scaling, rule_from_dict(content["rule"], len(classes)))


@dataclass(frozen=True)
class Decider:
    """From raw logits to calibrated probabilities and decisions. Tasks stand in the order of the model's heads.

    :param fitted_on: rows and fingerprint of the predictions that it was fitted on, for the record.
    """

    tasks: dict[str, TaskDecider]
    fitted_on: Json = field(default_factory=dict)

    @classmethod
    def plain(cls, classes: Mapping[str, Sequence[str]]) -> Self:
        """Softmax and argmax, for the classes of each task."""
        return cls({
            name: TaskDecider(tuple(names), Scaling.identity(len(names)), LargestLogit())
            for name, names in classes.items()
        })  # fmt: skip

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """Class names of each task, in the order of their indices."""
        return {name: task.classes for name, task in self.tasks.items()}

    def probabilities(self, logits: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Calibrated probabilities, float64 ``[rows, classes]`` per task.

        :param logits: raw, ``[rows, classes]``, one array per task.
        """
        return [task.probabilities(values) for task, values in zip(self.tasks.values(), logits, strict=True)]

    def decide(self, logits: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Class indices, int64 ``[rows]`` per task.

        :param logits: raw, ``[rows, classes]``, one array per task.
        """
        return [task.decide(values) for task, values in zip(self.tasks.values(), logits, strict=True)]

    def apply(self, predictions: Predictions) -> Predictions:
        """The same rows with this decider's probabilities and decisions; cross-fitted decisions are dropped.

        :raises UserError: if the predictions hold no logits, or are of other tasks or classes.
        """
        classes = {item.task.name: item.task.classes for item in predictions.tasks}
        if classes != self.classes:
            raise UserError(
                f"decision: the rule is for {_listed(self.classes)}, the predictions for {_listed(classes)}"
            )
        tasks = []
        for item in predictions.tasks:
            if item.logits is None:
                raise UserError(f"decision: the predictions of {item.task.name} hold no logits to decide by")
            task = self.tasks[item.task.name]
            decided, probabilities = task.decide(item.logits), task.probabilities(item.logits)
            tasks.append(replace(item, predicted=decided, probabilities=probabilities, crossfit=None))
        return replace(predictions, tasks=tuple(tasks))

    def with_decision(self, name: DecisionChoice | str) -> Self:
        """The decider for ``decision=NAME``: ``stored`` as it is, ``argmax`` with plain argmax of the raw logits.

        :raises UserError: for another name.
        """
        if name not in ("stored", "argmax"):
            raise UserError(f"decision: {name!r} is not valid{nearest(name, ('stored', 'argmax'))}")
        if name == "stored":
            return self
        return replace(self, tasks={key: replace(task, rule=LargestLogit()) for key, task in self.tasks.items()})

    def to_dict(self) -> Json:
        """Plain values that JSON can hold."""
        return {"tasks": {name: task.to_dict() for name, task in self.tasks.items()}, "fitted_on": self.fitted_on}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` gave.

        :raises KeyError, TypeError, ValueError: if it is something else.
        """
        tasks = {str(name): TaskDecider.from_dict(task) for name, task in content["tasks"].items()}
        return cls(tasks, dict(content["fitted_on"]))

    def save(self, folder: str | Path, weights_sha256: str) -> None:
        """Write ``decision.json`` into a model's folder, whole or not at all.

        :param weights_sha256: checksum of the weights that it was fitted for, from ``polarity.json``.
        """
        write_json(Path(folder) / FILE, {"version": VERSION, "weights_sha256": weights_sha256, **self.to_dict()})

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The decider of a saved model.

        :raises UserError: if it is missing, damaged, or of other weights or classes than the model in the folder; plain
            argmax is never put in its place.
        """
        from polarity.models.saving import CARD  # imports torch, which nobody needs to show decisions

        folder = Path(folder)
        path = folder / FILE
        content, card = _read(path), _read(folder / CARD)
        if content.get("version") != VERSION:
            raise UserError(f"{path}: version {content.get('version')!r} is unknown; this version reads {VERSION}")
        if content.get("weights_sha256") != card.get("weights_sha256"):
            raise UserError(f"{path}: was fitted for other weights than those in {folder}; it cannot be used with them")
        try:
            decider = cls.from_dict(content)
            wanted = {task["name"]: tuple(task["classes"]) for task in card["tasks"]}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{path}: is damaged ({type(error).__name__}: {error})") from error
        if list(wanted.items()) != list(decider.classes.items()):
            raise UserError(f"{path}: is for {_listed(decider.classes)}, but the model for {_listed(wanted)}")
        return decider


def _listed(classes: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{name} ({', '.join(names)})" for name, names in classes.items()) or "no task"


def _read(path: Path) -> Json:
    if not path.exists():
        raise UserError(f"{path}: there is no such file; without it no decision of the model can be trusted")
    return read_object(path)
