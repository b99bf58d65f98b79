"""Predictions of finished runs, read with a check that they are what the run wrote."""

from pathlib import Path

from polarity.content import Json
from polarity.errors import UserError
from polarity.evaluation.predictions import Predictions, read_predictions
from polarity.files import checksum, read_object
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
    if status["state"] == "stopped":
        raise UserError(f"{run.path}: the run was cut off before its end; go on with it: resume={path}")
    if status["state"] != "finished":
        raise UserError(f"{run.path}: the run failed ({status.get('error', 'see status.json')}); it has no scores")
    return run


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
    known = read_metrics(run).get(CHECKSUMS, {})
    predictions = read_predictions(path)
    wanted = known.get(str(path.relative_to(run.path)))
    if wanted is None:
        raise UserError(f"{run.metrics}: has no checksum of {path.name}; the file was not written by this run")
    if checksum(path) != wanted:
        raise UserError(f"{path}: was changed after the run wrote it (its checksum differs); evaluate the run again")
    return predictions
