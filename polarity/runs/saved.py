"""Predictions of finished runs, read with a check that they are what the run wrote."""

from collections.abc import Callable
from pathlib import Path

from polarity.content import Json
from polarity.errors import UserError
from polarity.evaluation.out_of_fold import OUT_OF_FOLD, HeldOut, read_out_of_fold
from polarity.evaluation.predictions import Predictions, read_predictions
from polarity.files import checksum, read_object
from polarity.quoting import command_line
from polarity.run import RunDirectory

CHECKSUMS = "sha256"
"""Key of ``metrics.json``: the checksum of each predictions file, by its path in the run's folder."""


def finished_run(path: str | Path) -> RunDirectory:
    """A run's folder that may be reported on.

    :raises UserError: if there is none, or its run goes on, was cut off or failed.
    """
    run = RunDirectory.open(path)
    status = run.status
    if status["state"] == "running":
        raise UserError(f"{run.path}: the run is still going on; its numbers are there when it has finished")
    if status["state"] == "waiting":
        raise UserError(f"{run.path}: the run has not begun yet; its sweep starts it: resume={run.path.parent}")
    if status["state"] == "stopped":
        raise UserError(f"{run.path}: the run was cut off before its end; {_go_on(run, path)}")
    if status["state"] != "finished":
        why = status.get("error", "see status.json")
        if status.get("pruned"):
            raise UserError(
                f"{run.path}: its search ended the run early and does not count it ({why}); it has no scores"
            )
        if status.get("interrupted"):
            raise UserError(f"{run.path}: the run was stopped before its end ({why}); {_go_on(run, path)}")
        raise UserError(f"{run.path}: the run failed ({why}); it has no scores")
    return run


def _go_on(run: RunDirectory, path: str | Path) -> str:
    whole = path if run.whole == run.path else run.whole  # a fold goes on with the others
    return f"go on with it: {command_line('train', f'resume={whole}')}"


def finished_model(path: str | Path) -> RunDirectory:
    """A finished run's folder that holds a model.

    :raises UserError: as above, and for a cross-validation, whose models are those of its folds.
    """
    run = finished_run(path)
    if run.settings.folds:
        raise UserError(
            f"{run.path}: is a cross-validation, which has a model for each fold; give one of them: {run.fold(1)}"
        )
    return run


def finished_single_model(path: str | Path, fit: Callable[[RunDirectory], bool] = lambda _: True) -> RunDirectory:
    """A finished run's folder that holds one model, which can be used without this project's runs.

    :param fit: whether a member may be advised in place of its ensemble.
    :raises UserError: as above, and for an ensemble, whose models are those of its members.
    """
    run = finished_model(path)
    if run.is_ensemble:
        members = [str(member) for member in run.member_runs if fit(RunDirectory(member))]
        inner = "; give one of its members: " + ", ".join(members) if members else ""
        raise UserError(f"{run.path}: is an ensemble, or a linear model, and not one model of a run{inner}")
    return run


def refuse_refit(run: RunDirectory) -> None:
    """Refuse a model that was trained on its validation rows, where their scores are asked for.

    :raises UserError: if it is one.
    """
    if run.settings.refit:
        raise UserError(
            f"{run.path}: is a refit, trained on its validation rows as well, so it has no score of its own; that of "
            f"{run.settings.refit} is what to expect, and test rows say more: evaluate run={run.path} split=test"
        )


def read_metrics(run: RunDirectory) -> Json:
    """The content of ``metrics.json``.

    :raises UserError: if it is missing or damaged.
    """
    return read_object(run.metrics)


def saved_predictions(run: RunDirectory, split: str) -> Predictions:
    """The predictions of a finished run on one split.

    :raises UserError: if the file is missing, damaged, or not the one that the run wrote.
    """
    path = run.predictions(split)
    if not path.is_file():
        refuse_refit(run)
    predictions = read_predictions(path)
    _check_sum(run, path)
    return predictions


def saved_folds(run: RunDirectory) -> list[HeldOut]:
    """The rows that each fold of a finished cross-validation held out.

    :raises UserError: as above.
    """
    path = run.predictions(OUT_OF_FOLD)
    folds = read_out_of_fold(path)
    _check_sum(run, path)
    return folds


def _check_sum(run: RunDirectory, path: Path) -> None:
    wanted = read_metrics(run).get(CHECKSUMS, {}).get(str(path.relative_to(run.path)))
    if wanted is None:
        raise UserError(f"{run.metrics}: has no checksum of {path.name}; the file was not written by this run")
    if checksum(path) != wanted:
        raise UserError(f"{path}: was changed after the run wrote it (its checksum differs); evaluate the run again")
