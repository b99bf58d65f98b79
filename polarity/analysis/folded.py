"""The analysis of a cross-validation: scores are means over its repeats, intervals of macro-F1 come from its folds."""

from collections.abc import Sequence
from dataclasses import replace

from polarity.analysis.result import Analysis, ClassResult, Estimate, Result, TaskResult
from polarity.analysis.scoring import Bootstrap, score_by
from polarity.evaluation.out_of_fold import HeldOut, joined
from polarity.statistics.fold_scores import Decided, FoldScores, counts_of_folds, decided_by, interval_of_folds
from polarity.wording import times


def respecting_folds(analysis: Analysis, folds: Sequence[HeldOut]) -> Analysis:
    """The same with scores over all repeats, and with the corrected resampled intervals of overall and macro-F1.

    :param analysis: of the first repeat; what it counts, and says of slices, calibration and mistakes, stays.
    """
    bootstrap = Bootstrap(analysis.resamples, confidence=analysis.confidence)
    decided = by_folds(analysis.decided, folds, "predicted", bootstrap)
    raw = analysis.uncalibrated
    raw = None if raw is None else by_folds(raw, folds, "argmax", bootstrap)
    notes, over, repeats = [], times(len(folds), "fold"), len({item.repeat for item in folds})
    if analysis.resamples:
        notes += [
            f"overall and macro-F1: corrected resampled intervals over {over}; classes, accuracy, slices: over rows"
        ]
    if repeats > 1:
        rest = "confusion, slices, calibration, curves and mistakes are of the first"
        notes.append(f"scores of all rows and of classes are means over {repeats} repeats; {rest}")
    return replace(analysis, decided=decided, uncalibrated=raw, notes=(*notes, *analysis.notes), repeats=repeats)


def by_folds(result: Result, folds: Sequence[HeldOut], kind: Decided, bootstrap: Bootstrap) -> Result:
    """Scores over all repeats, with the corrected resampled intervals of overall and macro-F1.

    Where all folds have the same score, as a perfect one, the interval over rows stays: none has zero width.

    :param result: of the first repeat.
    """
    result = _over_repeats(result, folds, kind, bootstrap)
    if not bootstrap.resamples:
        return result
    scores, counts = FoldScores.of(folds, kind), counts_of_folds(folds, kind)

    def estimate(shown: Estimate, task: str | None = None) -> Estimate:
        interval = interval_of_folds(scores, counts, [0], task, bootstrap.confidence)
        return shown if interval is None else Estimate(scores.estimate(task).value, interval.low, interval.high)

    tasks = [
        replace(item, macro_f1=estimate(item.macro_f1, item.task)) if item.task in scores.of_rows else item
        for item in result.tasks
    ]
    return replace(result, overall=estimate(result.overall), tasks=tuple(tasks))


def _over_repeats(first: Result, folds: Sequence[HeldOut], kind: Decided, bootstrap: Bootstrap) -> Result:
    """The mean of the repeats' scores, and of the ends of their intervals over rows.

    All repeats are decided on the same rows, so their mean varies with these no more than they do on average.
    """
    results = [first]
    for repeat in sorted({item.repeat for item in folds})[1:]:
        whole = joined([item for item in folds if item.repeat == repeat])
        results.append(score_by(first.decision, whole, decided_by(whole, kind), bootstrap))
    if len(results) == 1:
        return first
    tasks = tuple(_task(of_task) for of_task in zip(*(result.tasks for result in results), strict=True))
    return replace(first, overall=_mean([result.overall for result in results]), tasks=tasks)


def _task(repeats: Sequence[TaskResult]) -> TaskResult:
    macro_f1, accuracy = (_mean([getattr(one, name) for one in repeats]) for name in ("macro_f1", "accuracy"))
    classes = tuple(_class(of_class) for of_class in zip(*(one.classes for one in repeats), strict=True))
    return replace(repeats[0], macro_f1=macro_f1, accuracy=accuracy, classes=classes)


def _class(repeats: Sequence[ClassResult]) -> ClassResult:
    precision, recall, f1 = (_mean([getattr(one, name) for one in repeats]) for name in ("precision", "recall", "f1"))
    predicted = sum(one.predicted for one in repeats) / len(repeats)
    return replace(repeats[0], predicted=predicted, precision=precision, recall=recall, f1=f1)


def _mean(estimates: Sequence[Estimate]) -> Estimate:
    def mean(name: str) -> float | None:
        known = [value for one in estimates if (value := getattr(one, name)) is not None]
        return sum(known) / len(known) if len(known) == len(estimates) else None

    return Estimate(mean("value"), mean("low"), mean("high"))
