"""What a run says about rows, and what its exported copies say about the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from polarity.data.plan import EvalBatches
from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.evaluation.inference import collect
from polarity.exporting.card_tokens import CardTokens
from polarity.exporting.source import load_exported
from polarity.progress import progress
from polarity.runs.rebuild import Rebuilt
from polarity.tasks import Task
from polarity.wording import times

TOLERANCE = 1e-3
"""Largest difference of two probabilities that rounding explains: 32-bit kernels of two libraries differ by 1e-5."""

EXACT = "32-true"
"""The precision of every copy."""


@dataclass(frozen=True)
class Answers:
    """One array per task in each: logits and probabilities ``[rows, classes]``, decisions ``[rows]``."""

    logits: list[np.ndarray]
    probabilities: list[np.ndarray]
    decided: list[np.ndarray]


@dataclass(frozen=True)
class Agreement:
    """How far two sets of answers about the same rows are apart.

    :param logits: largest difference of two logits.
    :param probabilities: largest difference of two probabilities.
    :param changed: decisions that differ, over all tasks.
    :param precision: in which the first were computed; the others are in 32 bits.
    """

    rows: int
    logits: float
    probabilities: float
    changed: int
    precision: str = EXACT

    def __str__(self) -> str:
        rounded = "" if self.precision == EXACT else f" (the run answers in {self.precision}, its copy in 32 bits)"
        return (
            f"{times(self.rows, 'validation row')}: logits differ by at most {self.logits:.1e}, "
            f"probabilities by {self.probabilities:.1e}; decisions that differ: {self.changed:,}{rounded}"
        )


def measure_agreement(wanted: Answers, given: Answers, precision: str = EXACT) -> Agreement:
    """The largest differences; ``precision`` is that of what is wanted."""

    def most(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> float:
        return max(float(np.abs(a - b).max(initial=0)) for a, b in zip(first, second, strict=True))

    return Agreement(
        len(wanted.decided[0]),
        most(wanted.logits, given.logits),
        most(wanted.probabilities, given.probabilities),
        sum(int((a != b).sum()) for a, b in zip(wanted.decided, given.decided, strict=True)),
        precision,
    )


def checked(rebuilt: Rebuilt, rows: Rows, copy: Answers, what: str) -> Agreement:
    """How far a copy is from what the run answers.

    :param what: the copy is.
    :raises UserError: if its probabilities differ from those of the run's model in the same precision by more than
        rounding.
    """
    agreement = measure_agreement(answers_of_run(rebuilt, rows, EXACT), copy)
    refuse_disagreement(agreement, what)
    if rebuilt.precision == EXACT:
        return agreement
    return measure_agreement(answers_of_run(rebuilt, rows, rebuilt.precision), copy, rebuilt.precision)


def refuse_disagreement(agreement: Agreement, what: str) -> None:
    """Refuse an export that says something else than the run.

    :raises UserError: if probabilities differ by more than rounding.
    """
    if not agreement.probabilities <= TOLERANCE:
        raise UserError(f"format: the exported {what} does not reproduce the run ({agreement}); nothing was written")


def answers_of_run(rebuilt: Rebuilt, rows: Rows, precision: str) -> Answers:
    """What the run's own model says in a precision."""
    predicted = rebuilt.predict(rows, precision=precision).tasks
    return Answers(
        [np.asarray(item.logits, dtype=np.float64) for item in predicted],
        [np.asarray(item.probabilities) for item in predicted],
        [item.predicted for item in predicted],
    )


def answers_of_folder(folder: Path, rows: Rows, batch_size: int) -> Answers:
    """What an exported folder says through its own ``modeling.py``, from the texts on."""
    model = load_exported(folder)
    parts: list[list[tuple[np.ndarray, ...]]] = []
    with torch.inference_mode(), progress("asking the folder", len(rows)) as advance:
        for start in range(0, len(rows), batch_size):
            part = slice(start, start + batch_size)
            batch = model.encode(rows.text[part], None if rows.context is None else rows.context[part])
            logits = model(**batch)
            answers = [(z, *decide(z)) for z, decide in zip(logits, model.decisions, strict=True)]
            parts.append([tuple(value.numpy() for value in values) for values in answers])
            advance(len(logits[0]))
    tasks = list(zip(*parts, strict=True))
    return Answers(*([np.concatenate([part[what] for part in task]) for task in tasks] for what in range(3)))


def answers_of_session(session: Any, read: CardTokens, tasks: Sequence[Task], batch_size: int) -> Answers:
    """What an exported ONNX model says about rows as the program of its card reads them.

    :param session: an ``onnxruntime.InferenceSession``.
    """
    names = [item.name for item in session.get_inputs()]
    outputs = [f"{task.name}.{what}" for what in ("logits", "probabilities", "decision") for task in tasks]
    numbers, answers = [], []
    total = len(read.lengths)
    with progress("asking the graph", total) as advance:
        for planned in EvalBatches(lengths=read.lengths, batch_size=batch_size):
            numbers.append(torch.from_numpy(planned.rows))
            arrays = session.run(outputs, read.batch(planned.rows, names))
            answers.append([torch.from_numpy(values) for values in arrays])
            advance(len(planned.rows))
    placed = collect(numbers, answers, total)
    count = len(tasks)
    logits, probabilities, decided = placed[:count], placed[count : 2 * count], placed[2 * count :]
    return Answers(logits, probabilities, [values.astype(np.int64) for values in decided])
