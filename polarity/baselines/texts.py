"""The linear baseline as a model of its own: from texts to log-probabilities, kept as plain data."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from polarity.baselines.linear import LinearModel
from polarity.data.ngrams import Learnt, TextFeatures
from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.files import read_object, write_json
from polarity.tasks import Task

ABOUT, WEIGHTS = "linear.json", "linear.safetensors"
FORMAT = 1


@dataclass(frozen=True)
class LinearTexts:
    """Linear models of several tasks on the same features.

    :param models: one for each task.
    :param strengths: the C that validation chose, by task.
    """

    tasks: tuple[Task, ...]
    features: TextFeatures
    models: tuple[LinearModel, ...]
    strengths: tuple[float, ...]

    def logits(self, rows: Rows) -> list[np.ndarray]:
        """Log-probabilities, float32 ``[rows, classes]`` per task."""
        vectors = self.features.transform(rows)
        return [model.log_probabilities(vectors) for model in self.models]

    def save(self, folder: Path) -> None:
        """Write terms to ``linear.json`` and numbers to ``linear.safetensors`` of a new folder; no code, no pickle."""
        learnt, arrays = self.features.learnt, dict[str, np.ndarray]()
        arrays |= {f"rarity.{number}": np.ascontiguousarray(block.rarity) for number, block in enumerate(learnt)}
        arrays |= {f"weights.{number}": model.weights for number, model in enumerate(self.models)}
        tasks = zip(self.tasks, self.models, self.strengths, strict=True)
        folder.mkdir(parents=True)
        content = {
            "format": FORMAT,
            "tasks": [
                {"name": task.name, "column": task.column, "classes": task.classes, "seen": model.seen, "C": strength}
                for task, model, strength in tasks
            ],
            "terms": [{"of_context": one.of_context, "words": one.words, "terms": one.terms} for one in learnt],
        }
        write_json(folder / ABOUT, content, exact=True)
        (folder / WEIGHTS).write_bytes(save(arrays))  # its own writer makes a file that only its owner can read

    @classmethod
    def load(cls, folder: Path) -> "LinearTexts":
        """What :meth:`save` wrote.

        :raises UserError: if it is missing or damaged.
        """
        content = read_object(folder / ABOUT)
        if content.get("format") != FORMAT:
            raise UserError(
                f"{folder / ABOUT}: format {content.get('format')!r} is unknown; this version reads {FORMAT}"
            )
        try:
            arrays = load_file(folder / WEIGHTS)
            learnt = [Learnt(**block, rarity=arrays[f"rarity.{n}"]) for n, block in enumerate(content["terms"])]
            tasks = tuple(Task(one["name"], tuple(one["classes"]), one["column"]) for one in content["tasks"])
            models = tuple(
                LinearModel(len(one["classes"]), tuple(one["seen"]), arrays[f"weights.{number}"])
                for number, one in enumerate(content["tasks"])
            )
            strengths = tuple(float(one["C"]) for one in content["tasks"])
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"{folder}: the linear model is damaged ({type(error).__name__}: {error})") from error
        return cls(tasks, TextFeatures.of(learnt), models, strengths)
