"""The baselines of a run beside it: their scores on the same rows, and the paired difference."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from polarity.analysis import Result
from polarity.analysis.folded import by_folds
from polarity.analysis.scoring import Bootstrap, score_by
from polarity.errors import UserError
from polarity.evaluation.out_of_fold import HeldOut, read_out_of_fold
from polarity.evaluation.predictions import Predictions, read_predictions
from polarity.run import RunDirectory
from polarity.statistics import Difference, PairedResult, paired_difference
from polarity.statistics.fold_scores import FoldScores

TITLES = {"majority": "majority class", "linear": "linear model", "linear+rule": "linear model + rule"}

CONFIDENCE = Bootstrap(0).confidence

BaselineVerdict = Literal["better", "worse", "unclear", "unknown"]


@dataclass(frozen=True)
class BaselineResult:
    """One baseline on one split.

    :param difference: scores of the model minus those of the baseline.
    """

    name: str
    title: str
    result: Result
    difference: PairedResult

    @property
    def verdict(self) -> BaselineVerdict:
        """Whether the model is better: by the interval and by p, as runs are compared; without an interval, nothing."""
        found = self.difference.overall
        if found.interval is None:
            return "unknown"
        if 0 in found.interval or found.p >= 1 - CONFIDENCE:
            return "unclear"
        return "better" if found.interval.low > 0 else "worse"


def baseline_results(
    run: RunDirectory,
    split: str,
    own: Predictions,
    names: Sequence[str],
    *,
    resamples: int,
    folds: Sequence[HeldOut] = (),
) -> tuple[BaselineResult, ...]:
    """Those of the named baselines that the folder holds.

    :param folds: of the run, if it is a cross-validation: differences are then those of the folds.
    :raises UserError: if one is damaged, or was made on other rows or labels.
    """
    found = []
    for name in names:
        path = run.baseline(name, split)
        if path.is_file():
            other = read_predictions(path, {item.task.name: item.task.classes for item in own.tasks})
            tasks = [item.task.name for item in own.tasks]
            if other.ids != own.ids or [item.task.name for item in other.tasks] != tasks:
                raise UserError(f"{path}: has other rows or tasks than {run.predictions(split).name} of the run")
            if not np.array_equal(other.labels, own.labels):
                raise UserError(f"{path}: has other labels than {run.predictions(split).name} of the run")
            result = _result(name, own, other, Bootstrap(resamples))
            found.append(_by_folds(result, folds, read_out_of_fold(path), resamples) if folds else result)
    return tuple(found)


def _by_folds(
    over_rows: BaselineResult, own: Sequence[HeldOut], other: Sequence[HeldOut], resamples: int
) -> BaselineResult:
    """The same with differences, intervals and tests over the folds of all repeats."""
    ours, theirs = FoldScores.of(own), FoldScores.of(other)

    def difference(known: Difference, task: str | None = None) -> Difference:
        found = ours.minus(theirs, task, known.hidden)
        if not found.rows:  # all folds differ by the same, and the rows alone tell what others may change
            return replace(known, value=found.value)
        return Difference(found.value, found.interval(CONFIDENCE), found.p, known.hidden)

    whole = over_rows.difference
    tasks = {name: difference(whole.tasks[name], name) for name in ours.of_rows}
    result = by_folds(over_rows.result, other, "predicted", Bootstrap(resamples, confidence=CONFIDENCE))
    return replace(over_rows, result=result, difference=PairedResult(difference(whole.overall), tasks))


def _result(name: str, own: Predictions, other: Predictions, bootstrap: Bootstrap) -> BaselineResult:
    decided, ours = [item.honest for item in other.tasks], [item.honest for item in own.tasks]
    result = score_by("decided", other, decided, bootstrap)
    difference = paired_difference(own, decided, ours, resamples=bootstrap.resamples)
    return BaselineResult(name, TITLES.get(name, name), result, difference)
