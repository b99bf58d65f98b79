"""The tables of an analysis as CSV files."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from polarity.analysis.result import Analysis, Estimate, Mistake, SliceScore
from polarity.data.rows import Rows
from polarity.spreadsheets import write_csv

Line = list[object]


def write_details(folder: Path, model: str, analyses: Mapping[str, Analysis]) -> None:
    """Write all tables of all splits; every line names its split.

    ``MODEL_TASK_per_class.csv`` and ``MODEL_TASK_confusion.csv`` for each task, ``MODEL_TASK_given_TASK.csv`` for each
    ordered pair, ``scores.csv`` with the overall score and those of the tasks, ``slices.csv`` with every other slice,
    ``calibration.csv``.

    Of a repeated cross-validation, lines with scores of all rows and of classes are means over the repeats; where a
    table is of the first repeat, its split is called so.

    :param model: begins the names of the files.
    :param analyses: of each split.
    """
    first = next(iter(analyses.values()))
    for task, classes in first.classes.items():
        lines = [line for split, analysis in analyses.items() for line in _per_class(split, analysis, task)]
        scores = [f"{name}{end}" for name in ("precision", "recall", "f1") for end in ("", "_low", "_high")]
        header = ["split", "decision", "class", *scores, "support", "predicted"]
        write_csv(folder / f"{model}_{task}_per_class.csv", header, lines)
        lines = [line for split, analysis in analyses.items() for line in _confusion(split, analysis, task)]
        write_csv(folder / f"{model}_{task}_confusion.csv", ["split", "decision", "label", *classes], lines)
        for other in first.classes:
            if other != task:
                lines = [line for split, analysis in analyses.items() for line in _given(split, analysis, task, other)]
                header = ["split", other, *_score_header(), *(f"f1 {name}" for name in classes)]
                write_csv(folder / f"{model}_{task}_given_{other}.csv", header, lines)
    lines = [line for split, analysis in analyses.items() for line in _overall(split, analysis)]
    write_csv(folder / "scores.csv", ["split", "decision", "task", *_score_header()], lines)
    lines = [line for split, analysis in analyses.items() for line in _slices(split, analysis)]
    write_csv(folder / "slices.csv", ["split", "kind", "by", "value", "task", *_score_header(), "absent"], lines)
    lines = [line for split, analysis in analyses.items() for line in _calibration(split, analysis)]
    write_csv(
        folder / "calibration.csv",
        ["split", "task", "stage", "rows", "ece", "ece_by_chance", "ece_limit", "brier", "nll"],
        lines,
    )


def write_mistakes(path: Path, mistakes: Sequence[Mistake], rows: Rows | None) -> None:
    """Write the most confident mistakes.

    :param rows: the rows that were predicted, for their texts; None where texts are private.
    """
    header = ["task", "id", "label", "predicted", "confidence", "label_probability"]
    texts = [] if rows is None else [("text", rows.text)]
    if rows is not None and rows.context is not None:
        texts.insert(0, ("context", rows.context))
    lines = [
        [one.task, one.id, one.label, one.predicted, f"{one.confidence:.6f}", f"{one.label_probability:.6f}"]
        + [column[one.row] for _, column in texts]
        for one in mistakes
    ]
    write_csv(path, [*header, *(name for name, _ in texts)], lines)


def _overall(split: str, analysis: Analysis) -> Iterator[Line]:
    for result in analysis.results:
        yield [split, result.decision, "", result.rows, *_cells(result.overall), "", "", ""]
        for one in result.tasks:
            yield [split, result.decision, one.task, one.rows, *_cells(one.macro_f1), *_cells(one.accuracy)]


def _per_class(split: str, analysis: Analysis, task: str) -> Iterator[Line]:
    for result in analysis.results:
        for one in result.task(task).classes:
            numbers = [cell for score in (one.precision, one.recall, one.f1) for cell in _cells(score)]
            yield [split, result.decision, one.name, *numbers, one.support, one.predicted]


def _of_one(split: str, analysis: Analysis) -> str:
    """How lines name a split that are of one repeat alone."""
    return split if analysis.repeats == 1 else f"{split} (repeat 1)"


def _confusion(split: str, analysis: Analysis, task: str) -> Iterator[Line]:
    split = _of_one(split, analysis)
    for result in analysis.results:
        scored = result.task(task)
        for one, counts in zip(scored.classes, scored.confusion, strict=True):
            yield [split, result.decision, one.name, *counts]


def _given(split: str, analysis: Analysis, task: str, other: str) -> Iterator[Line]:
    split = _of_one(split, analysis)
    for part in analysis.slicing("task", other).slices:
        score = next(score for score in part.scores if score.task == task)
        yield [split, part.value, *_score(score), *(_number(value) if score.rows else "" for value in score.f1)]


def _slices(split: str, analysis: Analysis) -> Iterator[Line]:
    split = _of_one(split, analysis)
    for slicing in analysis.slicings:
        if slicing.kind != "task":
            for part in slicing.slices:
                for score in part.scores:
                    absent = json.dumps(score.absent, ensure_ascii=False) if score.absent else ""
                    yield [split, slicing.kind, slicing.by, part.value, score.task, *_score(score), absent]


def _calibration(split: str, analysis: Analysis) -> Iterator[Line]:
    split = _of_one(split, analysis)
    for task in analysis.calibration:
        for stage, numbers in (("before", task.before), ("after", task.after)):
            if numbers is not None:
                scores = (numbers.ece, numbers.ece_by_chance, numbers.ece_limit, numbers.brier, numbers.nll)
                yield [split, task.task, stage, task.rows, *map(_number, scores)]


def _score_header() -> list[str]:
    return ["rows", "macro_f1", "macro_f1_low", "macro_f1_high", "accuracy", "accuracy_low", "accuracy_high"]


def _score(score: SliceScore) -> Line:
    return [score.rows, *_cells(score.macro_f1), *_cells(score.accuracy)]


def _cells(estimate: Estimate) -> list[str]:
    return [_number(value) for value in (estimate.value, estimate.low, estimate.high)]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"
