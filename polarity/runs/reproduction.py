"""Does a rebuilt run say what it said when it was trained? Only then do its numbers belong to its folder."""

from dataclasses import dataclass, replace

import numpy as np

from polarity.data.rows import Rows, evenly
from polarity.errors import UserError
from polarity.evaluation.predictions import Predictions, TaskPredictions
from polarity.posthoc import FILE, Decider
from polarity.runs.answering import Answering
from polarity.runs.saved import saved_predictions
from polarity.wording import times

SEEN = "seen"
"""Rows that a model was trained on, by which a refit is known again; they are no evidence of anything else."""
WITNESSES = 64
"""Rows that have to be reproduced before a model is let loose on new rows."""

SAME = 1e-5
"""Largest difference of two logits computed in the same batches on the same kind of device."""

LIKE = {"32-true": 1e-3, "16-mixed": 1e-2, "bf16-mixed": 5e-2}
"""Largest difference elsewhere, by ``trainer.precision`` and relative to the largest logit: batches change rounding."""


@dataclass(frozen=True)
class Reproduction:
    """How close the logits of a rebuilt run are to those that it stored.

    :param tolerance: above which they count as another model's.
    """

    rows: int
    difference: float
    tolerance: float

    def __str__(self) -> str:
        return (
            f"the run's own predictions are reproduced: {times(self.rows, 'row')}, logits differ by "
            f"{self.difference:.1e} at most (allowed: {self.tolerance:.0e})"
        )


def witnesses(count: int) -> np.ndarray:
    """Numbers of some of so many rows, from all over them."""
    return evenly(count, WITNESSES)


def some_rows(rows: Rows) -> Rows:
    """Rows from all over a split."""
    return rows.select(witnesses(len(rows)))


def reproduce_some(rebuilt: Answering, val: Rows) -> Reproduction:
    """Ask a rebuilt run about some of its validation rows, which it has trained on if it is a refit.

    :raises UserError: as :func:`reproduce`.
    """
    split = SEEN if rebuilt.run.settings.refit else "val"
    return reproduce(rebuilt, split, rebuilt.predict(some_rows(val)))[1]


def reproduce(rebuilt: Answering, split: str, predictions: Predictions) -> tuple[Predictions, Reproduction]:
    """Compare with the run's stored predictions; returns ``predictions`` with the cross-fitted decisions of the run.

    :param predictions: of the rebuilt run on the rows of its own split, or on some of them.
    :raises UserError: if rows, labels, classes, logits or decisions are not those that the run stored.
    """
    path = rebuilt.run.predictions(split)
    everything = saved_predictions(rebuilt.run, split)
    stored = _same_rows(everything, predictions, str(path))
    tolerance = _tolerance(rebuilt, stored, whole=len(stored) == len(everything))
    difference = max(
        (
            float(np.abs(_logits(now, str(path)) - _logits(then, str(path))).max(initial=0))
            for now, then in zip(predictions.tasks, stored.tasks, strict=True)
        ),
        default=0.0,
    )
    if not difference <= tolerance:
        raise UserError(
            f"{rebuilt.run.model}: does not reproduce {path.name}: its logits differ by up to {difference:.3g} "
            f"(allowed: {tolerance:.0e}), so the run was scored with other weights, or with texts read otherwise; "
            "nothing is evaluated"
        )
    _check_rule(rebuilt, stored)
    tasks = tuple(
        replace(now, crossfit=then.crossfit if rebuilt.decision == "stored" else None)
        for now, then in zip(predictions.tasks, stored.tasks, strict=True)
    )
    return replace(predictions, tasks=tasks), Reproduction(len(predictions), difference, tolerance)


def _same_rows(stored: Predictions, predictions: Predictions, path: str) -> Predictions:
    """The stored predictions of the same rows, in the same order."""
    classes = [{item.task.name: item.task.classes for item in one.tasks} for one in (stored, predictions)]
    if list(classes[0].items()) != list(classes[1].items()):
        raise UserError(f"{path}: holds the tasks {classes[0]}, but the model in the run's folder {classes[1]}")
    if stored.ids != predictions.ids:
        place = {name: number for number, name in enumerate(stored.ids)}
        unknown = [name for name in predictions.ids if name not in place]
        if unknown:
            raise UserError(f"{path}: has no row {unknown[0]!r} ({len(unknown):,} of the data's rows are not in it)")
        stored = stored.select(np.array([place[name] for name in predictions.ids]))
    wrong = np.flatnonzero((stored.labels != predictions.labels).any(axis=1))
    if len(wrong):
        raise UserError(
            f"{path}: {times(len(wrong), 'row has', 'rows have')} other labels than the data, such as "
            f"{stored.ids[int(wrong[0])]!r}"
        )
    return stored


def _check_rule(rebuilt: Answering, stored: Predictions) -> None:
    """The stored rule has to turn the stored logits into the stored decisions and probabilities, to the last row."""
    path = rebuilt.run.model / FILE
    applied = Decider.load(rebuilt.run.model).apply(stored)
    for now, then in zip(applied.tasks, stored.tasks, strict=True):
        assert now.probabilities is not None  # a decider that was applied gives them
        wrong = now.predicted != then.predicted
        if then.probabilities is not None:
            wrong |= (np.abs(now.probabilities - then.probabilities) > SAME).any(axis=1)
        if wrong.any():
            raise UserError(
                f"{path}: decides {times(int(wrong.sum()), 'row')} of {then.task.name} otherwise than the run's "
                "predictions say, so it is not the rule that the run was scored with; nothing is evaluated"
            )


def _tolerance(rebuilt: Answering, stored: Predictions, *, whole: bool) -> float:
    precision = rebuilt.precision
    if whole and precision == "32-true" and rebuilt.as_in_training:
        return SAME
    largest = [float(np.abs(item.logits).max(initial=1)) for item in stored.tasks if item.logits is not None]
    return LIKE[precision] * max(largest, default=1.0)


def _logits(item: TaskPredictions, path: str) -> np.ndarray:
    if item.logits is None:
        raise UserError(f"{path}: holds no logits of {item.task.name}, so nothing can be compared with them")
    return item.logits
