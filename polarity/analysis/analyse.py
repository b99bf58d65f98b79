"""The one place where numbers of a run come from."""

from polarity.analysis.calibration import task_calibration
from polarity.analysis.curves import curves
from polarity.analysis.mistakes import SHOWN, mistakes
from polarity.analysis.result import Analysis
from polarity.analysis.scoring import Bootstrap, score_by
from polarity.analysis.slices import slicings
from polarity.evaluation.predictions import Predictions
from polarity.statistics.groups import about_groups


def analyse(predictions: Predictions, *, resamples: int = 2000, shown: int = SHOWN) -> Analysis:
    """Everything that is said about the predictions of one split; the same rows always give the same numbers.

    :param resamples: of the bootstrap; 0 leaves the intervals out.
    :param shown: mistakes of each task.
    """
    bootstrap = Bootstrap(resamples)
    tasks = predictions.tasks
    notes = [f"{item.task.name}: no row has a label, so it has no scores" for item in tasks if not item.known.any()]
    notes += [
        f"{item.task.name}: the file holds no {what}, so there is no {without}"
        for item in tasks
        for what, values, without in (
            ("logits", item.logits, "uncalibrated score"),
            ("probabilities", item.probabilities, "calibration, curve or confidence"),
        )
        if values is None
    ]
    if predictions.group is not None and resamples:
        notes.append(about_groups(predictions.group, predictions.metadata[predictions.group]))
    raw = all(item.logits is not None for item in tasks)
    fitted_here = any(item.crossfit is not None for item in tasks)
    return Analysis(
        rows=len(predictions),
        classes={item.task.name: item.task.classes for item in tasks},
        uncalibrated=score_by("uncalibrated", predictions, [t.argmax for t in tasks], bootstrap) if raw else None,
        decided=score_by("decided", predictions, [t.predicted for t in tasks], bootstrap),
        crossfit=score_by("crossfit", predictions, [t.honest for t in tasks], bootstrap) if fitted_here else None,
        slicings=slicings(predictions, bootstrap, notes),
        calibration=tuple(task_calibration(item) for item in tasks),
        curves=tuple(curve for item in tasks for curve in curves(item)),
        mistakes=mistakes(predictions, shown),
        resamples=resamples,
        confidence=bootstrap.confidence,
        notes=tuple(notes),
    )
