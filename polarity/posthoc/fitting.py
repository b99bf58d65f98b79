"""Fitting calibration and decision rule on validation, cross-fitted so that their gain is honest."""

from dataclasses import dataclass, replace

import numpy as np

from polarity.calibration.base import Calibration
from polarity.calibration.scaling import Scaling
from polarity.confusion import class_counts
from polarity.content import Json
from polarity.decisions.base import Decision
from polarity.decisions.rules import LargestLogit
from polarity.errors import UserError
from polarity.evaluation.predictions import Predictions, TaskPredictions, mark_of_rows
from polarity.posthoc.crossfit import FittingMethod, LabelledRows
from polarity.posthoc.decider import Decider, TaskDecider
from polarity.posthoc.evidence import nothing_fitted
from polarity.posthoc.task_fitting import fit_task
from polarity.statistics.groups import FEWEST, group_freedom
from polarity.wording import times

FOLDS, SEED = 5, 0
"""Parts for cross-fitting, and what they are dealt by."""


@dataclass(frozen=True)
class Fitted:
    """What fitting on a split gave.

    :param decider: fitted on all its rows; what is stored and applied elsewhere.
    :param predictions: the split's rows with the decider's probabilities and decisions, and the cross-fitted ones: what
        is decided about a row without its fold, see :func:`~polarity.posthoc.crossfit.judged_without`; argmax where no
        rule was kept.
    :param evidence: by task, why calibration and rule were kept or not, in plain values that JSON can hold.
    """

    decider: Decider
    predictions: Predictions
    evidence: Json


def fit_decider(
    predictions: Predictions,
    calibration: Calibration,
    decision: Decision,
    *,
    evidence: bool = True,
    kind: str = "validation",
    whole: Predictions | None = None,
) -> Fitted:
    """Fit each task's calibration and rule on all its labelled rows, and keep what convincingly helps.

    A task with fewer than twice as many labelled rows as there are folds for cross-fitting is left plain. The folds
    depend on the rows' ids, labels and groups alone.

    :param predictions: of rows that the model has not seen, with logits.
    :param evidence: see :class:`~polarity.posthoc.crossfit.FittingMethod`; False where only the decider is wanted.
    :param kind: what reasons call the rows.
    :param whole: rows of which these are a part, by which another fit is judged.
    :raises UserError: if the predictions hold no logits.
    """
    lacking = [item.task.name for item in predictions.tasks if item.logits is None]
    if lacking:
        raise UserError(f"decision: the predictions of {name} hold no logits to fit on" for name in lacking)
    method = FittingMethod(calibration, decision, FOLDS, SEED, evidence)
    counts = [class_counts(item.labels, len(item.task.classes)) for item in (whole or predictions).tasks]
    fitted = {
        item.task.name: _fit(predictions, item, replace(method, counts=own), kind)
        for item, own in zip(predictions.tasks, counts, strict=True)
    }
    decider = Decider({name: fit[0] for name, fit in fitted.items()}, fitted_on(predictions))
    applied = decider.apply(predictions)
    crossfit = [
        _whole(item, fitted[item.task.name][1], applied.tasks[number].predicted)
        for number, item in enumerate(predictions.tasks)
    ]
    tasks = tuple(replace(item, crossfit=decided) for item, decided in zip(applied.tasks, crossfit, strict=True))
    reasons = {name: fit[2] for name, fit in fitted.items()}
    return Fitted(decider, replace(applied, tasks=tasks), reasons)


def fitted_on(predictions: Predictions) -> Json:
    """How many rows, and the hash of their ids and labels, in their order."""
    return {"rows": len(predictions), "fingerprint": mark_of_rows(predictions.ids, predictions.labels)}


def _fit(
    predictions: Predictions, item: TaskPredictions, method: FittingMethod, kind: str
) -> tuple[TaskDecider, np.ndarray | None, Json]:
    """Decider, cross-fitted decisions about the labelled rows (None: as the decider's), evidence."""
    assert item.logits is not None
    labels = item.labels[item.known]
    groups = None if (clusters := predictions.clusters) is None else clusters[item.known]
    obstacle = _obstacle(labels, method.folds, kind) or _too_few(groups, str(predictions.group), kind)
    if obstacle:
        classes = item.task.classes
        return (
            TaskDecider(classes, Scaling.identity(len(classes)), LargestLogit()),
            None,
            nothing_fitted(item, obstacle),
        )
    ids = [name for name, known in zip(predictions.ids, item.known.tolist(), strict=True) if known]
    return fit_task(LabelledRows(item.task, ids, item.logits[item.known].astype(np.float64), labels, groups), method)


def _obstacle(labels: np.ndarray, folds: int, kind: str) -> str | None:
    if not len(labels):
        return f"no {kind} row has a label, so nothing was fitted"
    if len(np.unique(labels)) < 2:
        return f"all labelled {kind} rows are of one class, so nothing was fitted"
    if len(labels) < 2 * folds:
        few = times(len(labels), f"{kind} row has", f"{kind} rows have")
        return f"only {few} a label ({2 * folds} are needed), so nothing was fitted"
    return None


def _too_few(groups: np.ndarray | None, column: str, kind: str) -> str | None:
    """Why groups cannot tell what would help in others."""
    if groups is None or (len(np.unique(groups)) > 2 and group_freedom(np.bincount(groups)) >= FEWEST):
        return None
    few = f"the labelled {kind} rows are of too few values of {column}"
    return f"{few} to tell what helps in others, so nothing was fitted"


def _whole(item: TaskPredictions, crossfit: np.ndarray | None, decided: np.ndarray) -> np.ndarray:
    """All rows: those without a label had no part in any fit."""
    whole = decided.copy()
    if crossfit is not None:
        whole[item.known] = crossfit
    return whole
