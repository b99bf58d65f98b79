"""A finished run's model, ready to say something about any texts: the same code as the scores of the run."""

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import Self

import numpy as np
import torch

from polarity.data.plan import EvalBatches
from polarity.data.reading import Inputs, Reader, Unknown
from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.evaluation.inference import predict_logits
from polarity.models.classifier import MultiTaskClassifier
from polarity.posthoc import Decider
from polarity.runs.rebuild import Rebuilt
from polarity.settings import PositiveInt
from polarity.tasks import Task


class Predictor:
    """Raw logits of texts, and what is wrong with those that have none.

    :param model: in evaluation mode.
    :param max_length: tokens per row, as in training.
    :param max_context: share of them that a context may fill, as in training.
    :param batch_size: most rows that go through the model at once.
    :param precision: as ``trainer.precision``.
    """

    def __init__(
        self,
        model: MultiTaskClassifier,
        reader: Reader,
        decider: Decider,
        *,
        max_length: PositiveInt,
        max_context: float | None,
        batch_size: PositiveInt,
        device: torch.device,
        precision: str,
    ) -> None:
        self.model, self.reader, self.decider = model, reader, decider
        self.max_length, self.max_context, self.batch_size = max_length, max_context, batch_size
        self.device, self.precision = device, precision
        self._unknown: dict[str, Unknown] = {}

    @classmethod
    def of_run(cls, rebuilt: Rebuilt) -> Self:
        """The model of a run that was rebuilt from its folder alone."""
        return cls(
            rebuilt.model,
            rebuilt.reader,
            rebuilt.decider,
            max_length=rebuilt.settings.max_length,
            max_context=rebuilt.settings.max_context,
            batch_size=rebuilt.batch_size,
            device=rebuilt.device,
            precision=rebuilt.settings.precision,
        )

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks, in the order of the logits."""
        return self.model.tasks

    @property
    def unknown(self) -> list[Unknown]:
        """What the reader does not know of all that was read so far."""
        return list(self._unknown.values())

    def aside(self) -> Self:
        """The same, whose rows are none of those of which :attr:`unknown` tells."""
        other = copy(self)
        other._unknown = {}  # noqa: SLF001 - of the same class
        return other

    @property
    def columns(self) -> tuple[str, ...]:
        """The metadata columns that it reads beside the texts."""
        return self.reader.columns

    def refused(self, rows: Rows) -> dict[int, str]:
        """What is wrong with cells of :attr:`columns`, by number of the row."""
        return self.reader.refused(rows)

    def logits(self, rows: Rows) -> tuple[list[np.ndarray], np.ndarray, dict[int, str]]:
        """Raw logits float32 ``[good rows, classes]`` per task, the numbers of the good rows, and problems by number.

        :param rows: whatever their labels; with the metadata that :attr:`columns` names.
        """
        inputs, good, problems = self._read(rows)
        if inputs is None:
            return [np.zeros((0, len(task.classes)), dtype=np.float32) for task in self.tasks], good, problems
        for one in inputs.unknown():
            self._unknown[one.what] = self._unknown.get(one.what, replace(one, total=0, unknown=0)) + one
        return self._finite(self._ask(inputs, len(good)), good, problems)

    def _ask(self, inputs: Inputs, total: int) -> list[np.ndarray]:
        planned = EvalBatches(lengths=inputs.lengths, batch_size=self.batch_size)
        batches = ({**inputs.batch(batch.rows), "rows": torch.from_numpy(batch.rows)} for batch in planned)
        return predict_logits(self.model, batches, total, device=self.device, precision=self.precision)

    def _inputs(self, rows: Rows) -> Inputs:
        return self.reader.inputs(rows, self.max_length, self.max_context)

    def _read(self, rows: Rows) -> tuple[Inputs | None, np.ndarray, dict[int, str]]:
        """Inputs of the rows that can be read (None: of none), their numbers, and what is wrong with the others.

        Texts are read a second time only where one cannot be.
        """
        every = np.arange(len(rows))
        try:
            return self._inputs(rows) if len(rows) else None, every, {}
        except UserError:
            problems = self._unusable(rows) | self.refused(rows)
            good = np.delete(every, list(problems))
            return self._inputs(rows.select(good)) if len(good) else None, good, problems

    def _unusable(self, rows: Rows, first: int = 0) -> dict[int, str]:
        """What cannot be read, by row number: found by halving, since such rows are rare."""
        if not len(rows):
            return {}
        try:
            self._inputs(rows)
        except UserError as error:
            if len(rows) == 1:
                return {first: error.problems[0].rpartition(": ids ")[0] or error.problems[0]}
            half = len(rows) // 2
            left, right = rows.select(range(half)), rows.select(range(half, len(rows)))
            return self._unusable(left, first) | self._unusable(right, first + half)
        return {}

    @staticmethod
    def _finite(
        logits: list[np.ndarray], good: np.ndarray, problems: Mapping[int, str]
    ) -> tuple[list[np.ndarray], np.ndarray, dict[int, str]]:
        """Without the rows that the model had no finite answer to."""
        finite = np.all([np.isfinite(values).all(axis=1) for values in logits], axis=0)
        lost = dict.fromkeys(good[~finite].tolist(), "the model gave no finite number")
        return [values[finite] for values in logits], good[finite], {**problems, **lost}
