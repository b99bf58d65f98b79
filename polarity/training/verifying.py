"""What was written to disk is what was trained: it gives the monitored score, and reads texts as they were read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from polarity.data.module import InputsDataset
from polarity.data.plan import EvalBatches
from polarity.data.reading import Inputs, Reader
from polarity.data.rows import Rows
from polarity.evaluation.inference import predict_logits
from polarity.evaluation.monitored import score_metrics
from polarity.evaluation.split_metrics import SplitMetrics
from polarity.models.classifier import MultiTaskClassifier
from polarity.runs.reproduction import LIKE, witnesses
from polarity.training.assembled import Assembled

TOLERANCE = 1e-6
MARGIN = 2
"""Of what other batches may change by rounding: a false alarm would cost a whole run, and mistakes are much larger."""


class ScoreMismatchError(RuntimeError):
    """The checkpoint that was read back does not reproduce the score of its epoch."""


class WrittenMismatchError(RuntimeError):
    """What was read back reads or answers texts otherwise than what was trained and scored."""


def verify(best: Mapping[str, Any], rows: Rows, model: MultiTaskClassifier, logits: list[np.ndarray]) -> float:
    """Compare the fresh model's monitored score with the one that chose the checkpoint. Returns the fresh one.

    :raises ScoreMismatchError: if they differ by more than the single precision in which Lightning keeps scores.
    """
    metrics = SplitMetrics(model.tasks, sync=False)
    metrics.update([torch.from_numpy(values) for values in logits], torch.from_numpy(rows.labels))
    values = score_metrics(metrics.scores()) | metrics.losses()
    again = float(values[best["monitor"]])
    if not abs(again - best["value"]) <= TOLERANCE * max(1.0, abs(again)):
        raise ScoreMismatchError(
            f"{best['checkpoint']} gives {best['monitor']} {again:.8f} when read back, "
            f"but {best['value']:.8f} was monitored in epoch {best['epoch'] + 1}; its scores cannot be trusted "
            "(a callback that changes weights for validation has to change them in on_save_checkpoint as well)"
        )
    return again


@dataclass(frozen=True)
class Asking:
    """How a run asks a model about its validation rows.

    :param precision: as ``trainer.precision``.
    """

    assembled: Assembled
    device: torch.device
    precision: str

    def rows(self, numbers: np.ndarray) -> Rows:
        """Validation rows."""
        return self.assembled.prepared.splits.val.select(numbers)

    def inputs(self, reader: Reader, numbers: np.ndarray) -> Inputs:
        """What a reader makes of them, from the texts on."""
        batching = self.assembled.prepared.components.batching
        return reader.inputs(self.rows(numbers), batching.max_length, batching.max_context)

    def logits(self, model: MultiTaskClassifier, inputs: Inputs, numbers: np.ndarray) -> list[np.ndarray]:
        """Float32 ``[rows, classes]`` per task; neither tokens nor vectors are taken from a cache."""
        size = self.assembled.prepared.components.batching.eval_batch_size
        dataset = InputsDataset(inputs, self.rows(numbers).labels)
        planned = EvalBatches(lengths=inputs.lengths, batch_size=size)
        batches: Iterator[Any] = (dataset[one] for one in planned)
        return predict_logits(model, batches, len(numbers), device=self.device, precision=self.precision)


def verify_written(
    model: MultiTaskClassifier, reader: Reader, ask: Asking, known: Callable[[np.ndarray, Inputs], list[np.ndarray]]
) -> None:
    """Let what was read back answer some validation rows from their texts on, as ``predict`` and others will.

    :param known: the logits that it has to give again, of rows with these numbers, read as in training.
    :raises WrittenMismatchError: if it reads other things than the model was trained on, or answers otherwise.
    """
    numbers = witnesses(len(ask.assembled.prepared.splits.val))
    again, trained = (ask.inputs(one, numbers) for one in (reader, ask.assembled.reader))
    _same_inputs(_all(again), _all(trained))
    for task, now, then in zip(model.tasks, ask.logits(model, again, numbers), known(numbers, trained), strict=True):
        difference = float(np.abs(now - then).max(initial=0))
        if not difference <= MARGIN * LIKE[ask.precision] * max(1.0, float(np.abs(then).max(initial=0))):
            raise WrittenMismatchError(
                f"what was written answers {task.name} otherwise than it was scored: logits of the same rows differ by "
                f"up to {difference:.3g} when their texts are read again"
            )


def _same_inputs(again: Mapping[str, torch.Tensor], trained: Mapping[str, torch.Tensor]) -> None:
    wrong = [name for name in trained if name not in again or not torch.equal(trained[name], again[name])]
    if wrong or len(again) != len(trained):
        raise WrittenMismatchError(
            f"what was written with the model reads texts otherwise than they were read in training "
            f"({', '.join(wrong) or 'more'}), so it would answer otherwise than its scores say"
        )


def _all(inputs: Inputs) -> dict[str, torch.Tensor]:
    return inputs.batch(np.arange(len(inputs)))
