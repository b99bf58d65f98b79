"""Tables of a finished run: on the console, and as CSV files in ``details/``."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path

import numpy as np
from rich.table import Table

from polarity.data.rows import Rows
from polarity.evaluation.metrics import Scores, score_task
from polarity.run import write_text
from polarity.tasks import Task


def scores_table(split: str, scores: Scores) -> Table:
    """Precision, recall, F1 and support of every class, macro-F1 of every task, and the overall score."""
    table = Table("task", "class", "precision", "recall", "F1", "support", title=f"{split} ({scores.rows} rows)")
    for name, task in scores.tasks.items():
        for number, (label, value) in enumerate(task.per_class.items()):
            cells = [f"{value.precision:.4f}", f"{value.recall:.4f}", f"{value.f1:.4f}", str(value.support)]
            table.add_row(name if number == 0 else "", label, *cells)
        accuracy, macro = _number(task.accuracy), _number(task.macro_f1)
        table.add_row("", f"macro-F1 (accuracy {accuracy})", "", "", macro, str(task.rows), style="bold")
        table.add_section()
    table.add_row("overall", "mean of the tasks' macro-F1", "", "", f"{scores.overall:.4f}", "", style="bold")
    return table


def _number(value: float | None) -> str:
    return "no labels" if value is None else f"{value:.4f}"


def write_details(
    folder: Path, model: str, tasks: Sequence[Task], scored: Mapping[str, tuple[Rows, list[np.ndarray], Scores]]
) -> None:
    """``MODEL_TASK_per_class.csv`` for each task and ``MODEL_TASK_given_TASK.csv`` for each ordered pair.

    :param scored: rows, predictions (class indices per task) and scores of each split.
    """
    for number, task in enumerate(tasks):
        lines = [
            [split, label, *(f"{x:.6f}" for x in (value.precision, value.recall, value.f1)), value.support]
            for split, (_, _, scores) in scored.items()
            for label, value in scores.tasks[task.name].per_class.items()
        ]
        header = ["split", "class", "precision", "recall", "f1", "support"]
        write_csv(folder / f"{model}_{task.name}_per_class.csv", header, lines)
        for other_number, other in enumerate(tasks):
            if other_number != number:
                header = ["split", other.name, "rows", "macro_f1", "accuracy", *(f"f1 {c}" for c in task.classes)]
                lines = [
                    [split, *line]
                    for split, (rows, predictions, _) in scored.items()
                    for line in _given(
                        task, predictions[number], other, rows.labels[:, number], rows.labels[:, other_number]
                    )
                ]
                write_csv(folder / f"{model}_{task.name}_given_{other.name}.csv", header, lines)


def _given(
    task: Task, predictions: np.ndarray, other: Task, labels: np.ndarray, other_labels: np.ndarray
) -> list[list[object]]:
    """Scores of ``task`` within the rows of each class of ``other``."""
    lines: list[list[object]] = []
    for c, name in enumerate(other.classes):
        inside = other_labels == c
        scored = score_task(task, labels[inside], predictions[inside])
        numbers = [scored.macro_f1, scored.accuracy, *(value.f1 for value in scored.per_class.values())]
        lines.append([name, scored.rows, *("" if number is None else f"{number:.6f}" for number in numbers)])
    return lines


def write_csv(path: Path, header: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    """Write a CSV file whole or not at all."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    write_text(path, buffer.getvalue())
