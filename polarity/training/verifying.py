"""What was written to disk is what was trained: it gives the monitored score, and reads texts as they were read."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from polarity.data.reading import Inputs, Reader
from polarity.data.rows import Rows
from polarity.evaluation.monitored import score_metrics
from polarity.evaluation.split_metrics import SplitMetrics
from polarity.models.classifier import MultiTaskClassifier
from polarity.runs.reproduction import some_rows
from polarity.training.assembled import Assembled

TOLERANCE = 1e-6


class ScoreMismatchError(RuntimeError):
    """The checkpoint that was read back does not reproduce the score of its epoch."""


class ReaderMismatchError(RuntimeError):
    """The reader that was read back gives other inputs than the one that the model was trained with."""


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


def verify_reader(reader: Reader, assembled: Assembled, rows: Rows) -> None:
    """Let the reader that was read back read some rows again, as ``predict`` and others will.

    :raises ReaderMismatchError: if the model was trained on something else.
    """
    batching, sample = assembled.prepared.components.batching, some_rows(rows)
    again, trained = (
        _all(one.inputs(sample, batching.max_length, batching.max_context)) for one in (reader, assembled.reader)
    )
    wrong = [name for name in trained if name not in again or not torch.equal(trained[name], again[name])]
    if wrong or len(again) != len(trained):
        raise ReaderMismatchError(
            f"what was written with the model reads texts otherwise than they were read in training "
            f"({', '.join(wrong) or 'more'}), so it would answer otherwise than its scores say"
        )


def _all(inputs: Inputs) -> dict[str, torch.Tensor]:
    return inputs.batch(np.arange(len(inputs)))
