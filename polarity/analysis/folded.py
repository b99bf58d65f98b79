"""The analysis of a cross-validation: intervals of macro-F1 come from its folds."""

from collections.abc import Sequence
from dataclasses import replace

from polarity.analysis.result import Analysis, Estimate, Result
from polarity.evaluation.out_of_fold import HeldOut
from polarity.statistics.fold_scores import FoldScores
from polarity.statistics.seeds import SeedEstimate
from polarity.wording import times


def respecting_folds(analysis: Analysis, folds: Sequence[HeldOut]) -> Analysis:
    """The same with scores over all repeats, and with the corrected resampled intervals of overall and macro-F1.

    :param analysis: of the first repeat; what it says of classes, slices and mistakes stays, with intervals over rows.
    """
    if not analysis.resamples:
        return analysis
    decided = _result(analysis.decided, FoldScores.of(folds), analysis.confidence)
    raw = analysis.uncalibrated
    raw = None if raw is None else _result(raw, FoldScores.of(folds, "argmax"), analysis.confidence)
    over = times(len(folds), "fold")
    notes = [f"overall and macro-F1: corrected resampled intervals over {over}; classes, accuracy, slices: over rows"]
    repeats = len({item.repeat for item in folds})
    if repeats > 1:
        notes.append(f"overall and macro-F1 are means over {repeats} repeats; classes and slices are of the first")
    return replace(analysis, decided=decided, uncalibrated=raw, notes=(*notes, *analysis.notes))


def _result(result: Result, scores: FoldScores, confidence: float) -> Result:
    tasks = tuple(
        replace(item, macro_f1=_estimate(scores.estimate(item.task), confidence))
        if item.task in scores.of_rows
        else item
        for item in result.tasks
    )
    return replace(result, overall=_estimate(scores.estimate(), confidence), tasks=tasks)


def _estimate(found: SeedEstimate, confidence: float) -> Estimate:
    interval = found.interval(confidence, lowest=0.0)
    return Estimate(found.value, interval.low, interval.high)
