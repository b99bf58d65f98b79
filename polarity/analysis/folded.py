"""The analysis of a cross-validation: intervals of macro-F1 come from its folds."""

from collections.abc import Sequence
from dataclasses import replace

from polarity.analysis.result import Analysis, Estimate, Result
from polarity.evaluation.out_of_fold import HeldOut
from polarity.statistics.fold_scores import Decided, FoldScores, counts_of_folds, interval_of_folds
from polarity.wording import times


def respecting_folds(analysis: Analysis, folds: Sequence[HeldOut]) -> Analysis:
    """The same with scores over all repeats, and with the corrected resampled intervals of overall and macro-F1.

    :param analysis: of the first repeat; what it says of classes, slices and mistakes stays, with intervals over rows.
    """
    if not analysis.resamples:
        return analysis
    decided = by_folds(analysis.decided, folds, "predicted", analysis.confidence)
    raw = analysis.uncalibrated
    raw = None if raw is None else by_folds(raw, folds, "argmax", analysis.confidence)
    over = times(len(folds), "fold")
    notes = [f"overall and macro-F1: corrected resampled intervals over {over}; classes, accuracy, slices: over rows"]
    repeats = len({item.repeat for item in folds})
    if repeats > 1:
        notes.append(f"overall and macro-F1 are means over {repeats} repeats; classes and slices are of the first")
    return replace(analysis, decided=decided, uncalibrated=raw, notes=(*notes, *analysis.notes))


def by_folds(result: Result, folds: Sequence[HeldOut], kind: Decided, confidence: float) -> Result:
    """Scores with the corrected resampled intervals of overall and macro-F1.

    Where all folds have the same score, as a perfect one, the interval over rows stays: none has zero width.
    """
    scores, counts = FoldScores.of(folds, kind), counts_of_folds(folds, kind)

    def estimate(shown: Estimate, task: str | None = None) -> Estimate:
        interval = interval_of_folds(scores, counts, [0], task, confidence)
        return shown if interval is None else Estimate(scores.estimate(task).value, interval.low, interval.high)

    tasks = [
        replace(item, macro_f1=estimate(item.macro_f1, item.task)) if item.task in scores.of_rows else item
        for item in result.tasks
    ]
    return replace(result, overall=estimate(result.overall), tasks=tuple(tasks))
