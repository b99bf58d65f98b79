"""Logits of a whole split, without gradients and without a Trainer: the last score of a run comes from here."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor

from polarity.models.classifier import MultiTaskClassifier
from polarity.wording import times

BESIDE_INPUTS = ("labels", "rows", "window", "teacher")
"""What a batch holds that the model does not read."""

AUTOCAST = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """The numeric context that Lightning uses for ``trainer.precision``."""
    if precision in AUTOCAST:
        return torch.autocast(device.type, dtype=AUTOCAST[precision])
    return nullcontext()


def model_inputs(batch: Mapping[str, Tensor], device: torch.device | None = None) -> dict[str, Tensor]:
    """The part of a batch that the classifier's forward takes."""
    return {name: value.to(device, non_blocking=True) for name, value in batch.items() if name not in BESIDE_INPUTS}


def collect(rows: Sequence[Tensor], logits: Sequence[Sequence[Tensor]], total: int) -> list[np.ndarray]:
    """Logits float32 ``[total, K]`` of each task, see :func:`in_order`.

    :param logits: logits of each batch, one tensor ``[B, K]`` per task.
    """
    return [in_order(rows, [part.float() for part in parts], total) for parts in zip(*logits, strict=True)]


def in_order(rows: Sequence[Tensor], values: Sequence[Tensor], total: int) -> np.ndarray:
    """Put what batches gave in the order of the rows, ``[total, ...]``.

    :param rows: row numbers of each batch.
    :param values: a value of each row of each batch, ``[B, ...]``.
    :param total: rows of the split; each has to occur exactly once.
    :raises RuntimeError: if a row is missing or occurs twice.
    """
    order = torch.cat([part.cpu() for part in rows]).numpy()
    if not np.array_equal(np.sort(order), np.arange(total)):
        raise RuntimeError(f"{times(len(order), 'value')} for {times(total, 'row')}: each row has to come exactly once")
    unordered = torch.cat([part.cpu() for part in values]).numpy()
    placed = np.empty_like(unordered)
    placed[order] = unordered
    return placed


def predict_logits(
    model: MultiTaskClassifier,
    batches: Iterable[Mapping[str, Tensor]],
    total: int,
    *,
    device: torch.device,
    precision: str = "32-true",
    advance: Callable[[int], None] = lambda _: None,
) -> list[np.ndarray]:
    """Logits float32 ``[rows, classes]``, one array per task, in the order of the rows.

    :param batches: batches that hold every row once, as the data module's evaluation loaders give them.
    :param advance: called with the number of rows that are done, batch by batch.
    """
    model = model.to(device).eval()  # outside of inference mode, in which its weights could not be trained afterwards
    rows, logits = [], []
    with torch.inference_mode(), autocast(device, precision):
        for batch in batches:
            rows.append(batch["rows"])
            logits.append(model(**model_inputs(batch, device)))
            advance(len(batch["rows"]))
    return collect(rows, logits, total)
