"""A decision rule for the mean of all folds, from rows that the models asked about them had not seen."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from polarity.calibration import NoCalibration
from polarity.decisions import Decision
from polarity.errors import UserError
from polarity.evaluation.out_of_fold import HeldOut
from polarity.evaluation.predictions import Predictions
from polarity.files import read_object
from polarity.models.saving import CARD, read_card, write_card_of_several
from polarity.posthoc import Decider, Fitted, fit_decider
from polarity.run import RunDirectory
from polarity.tasks import Task

LEAST = np.finfo(np.float64).tiny


def fit_rule(rows: Predictions, held_out: Sequence[HeldOut], decision: Decision) -> Fitted:
    """Each task's rule, kept if it convincingly helps rows that it was not fitted on; else the largest probability.

    All folds but one in each repeat have seen a row, so the rule is fitted to the mean of those. That of all folds is
    smoother, and no row is left to say what the rule gains there.

    :param rows: every row once; what is predicted there does not count.
    :param held_out: every row once in each repeat, with the folds' calibrated probabilities.
    """
    place = {name: number for number, name in enumerate(rows.ids)}
    means = [np.zeros((len(rows), len(item.task.classes))) for item in rows.tasks]
    for fold in held_out:
        numbers = [place[name] for name in fold.predictions.ids]
        for mean, item in zip(means, fold.predictions.tasks, strict=True):
            mean[numbers] += np.asarray(item.probabilities)
    repeats = max(fold.repeat for fold in held_out)
    tasks = tuple(
        replace(item, logits=np.log(np.maximum(mean / repeats, LEAST)))
        for item, mean in zip(rows.tasks, means, strict=True)
    )
    return fit_decider(replace(rows, tasks=tasks), NoCalibration(), decision, kind="out-of-fold")


def store_rule(run: RunDirectory, folds: Sequence[RunDirectory], fitted: Fitted, tasks: Sequence[Task]) -> None:
    """Keep it in the ``model/`` of the whole, bound to the weights of all folds."""
    mark = _weights(folds)
    run.model.mkdir(exist_ok=True)
    write_card_of_several(run.model, tasks, mark)
    fitted.decider.save(run.model, mark)


def stored_rule(run: RunDirectory, folds: Sequence[RunDirectory], tasks: Sequence[Task]) -> Decider:
    """What :func:`store_rule` kept; plain argmax for a cross-validation of an earlier version, which kept none.

    :raises UserError: if it is missing, damaged, or of other folds.
    """
    if not run.model.is_dir():
        return Decider.plain({task.name: task.classes for task in tasks})
    decider = Decider.load(run.model)
    if read_object(run.model / CARD)["weights_sha256"] != _weights(folds):
        raise UserError(f"{run.model}: its decision rule was fitted for other folds than those in {run.path}")
    return decider


def _weights(folds: Sequence[RunDirectory]) -> str:
    """A checksum of those of all folds."""
    marks = [str(read_card(fold.model)["weights_sha256"]) for fold in folds]
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()
