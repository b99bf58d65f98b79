"""The tables of an analysis for the terminal."""

from collections.abc import Iterator

from rich.table import Table

from polarity.analysis.result import Analysis, Estimate, Result, Slicing
from polarity.wording import times

SAID = {
    "uncalibrated": "argmax of the raw logits",
    "decided": "the stored decision rule",
    "crossfit": "cross-fitted: a rule that has not seen the row",
}

FOOTNOTE = (
    "* this part lacks classes of the task, which count 0; its macro-F1 does not compare with that of other parts"
)


def analysis_tables(analysis: Analysis, name: str, *, argmax: bool = False) -> Iterator[Table]:
    """All tables, most important first.

    :param name: of the rows: a split, or a file.
    :param argmax: whether that was asked for in place of the stored decision rule.
    """
    yield decisions_table(analysis, name, argmax=argmax)
    yield class_table(analysis, name)
    yield from (confusion_table(analysis.headline, task) for task in analysis.classes)
    yield calibration_table(analysis)
    for slicing in analysis.slicings:
        if any(score.rows for part in slicing.slices for score in part.scores):
            yield slices_table(analysis, slicing)


def decisions_table(analysis: Analysis, name: str, *, argmax: bool = False) -> Table:
    """Macro-F1 under every way of deciding."""
    said = SAID | ({"decided": "argmax, as asked for in place of the stored decision rule"} if argmax else {})
    tasks = list(analysis.classes)
    table = Table(
        "decision", "overall", *tasks, title=f"{name} ({times(analysis.rows, 'row')}): macro-F1{_interval(analysis)}"
    )
    for result in analysis.results:
        cells = [shown(result.overall), *(shown(result.task(task).macro_f1) for task in tasks)]
        style = "bold" if result is analysis.headline else None
        table.add_row(f"{result.decision} ({said[result.decision]})", *cells, style=style)
    return table


def class_table(analysis: Analysis, name: str) -> Table:
    """Every class of every task, by the honest decisions."""
    result = analysis.headline
    table = Table("task", "class", "precision", "recall", "F1", "support", title=f"{name}, {result.decision}")
    for task in result.tasks:
        for number, one in enumerate(task.classes):
            cells = [shown(one.precision), shown(one.recall), shown(one.f1), str(one.support)]
            table.add_row(task.task if number == 0 else "", one.name, *cells)
        table.add_row("", "accuracy", "", "", shown(task.accuracy), str(task.rows))
        table.add_row("", "macro-F1", "", "", shown(task.macro_f1), str(task.rows), style="bold")
        table.add_section()
    return table


def confusion_table(result: Result, task: str) -> Table:
    """Rows are labels, columns predictions."""
    scored = result.task(task)
    columns = [one.name for one in scored.classes]
    table = Table(f"{task}: label", *(f"-> {name}" for name in columns), "support", title=f"confusion, {task}")
    for one, counts in zip(scored.classes, scored.confusion, strict=True):
        table.add_row(one.name, *(f"{count} ({count / max(1, one.support):.0%})" for count in counts), str(one.support))
    return table


def calibration_table(analysis: Analysis) -> Table:
    """ECE, Brier score and log-likelihood before and after calibration; ECE beside what perfect probabilities have."""
    table = Table("task", "calibration", "ECE", "by chance", "Brier", "NLL", "rows", title="calibration")
    for task in analysis.calibration:
        for stage, numbers in (("before", task.before), ("after", task.after)):
            if numbers is not None:
                scores = [f"{value:.4f}" for value in (numbers.ece, numbers.brier, numbers.nll)]
                scores[1:1] = [f"{numbers.ece_by_chance:.4f}, up to {numbers.ece_limit:.4f}"]
                flatters = stage == "after" and task.fitted_here
                table.add_row(
                    task.task, f"{stage}{' (fitted on these rows)' if flatters else ''}", *scores, str(task.rows)
                )
    return table


def slices_table(analysis: Analysis, slicing: Slicing) -> Table:
    """Macro-F1 of each task within each part; a star where classes are absent, which count 0: see ``FOOTNOTE``."""
    tasks = [name for name in analysis.classes if slicing.kind != "task" or name != slicing.by]
    what = {"task": f"given {slicing.by}", "metadata": f"by {slicing.by}", "length": "by length in tokens"}
    table = Table(slicing.by, "rows", *tasks, title=f"{what[slicing.kind]}: macro-F1")
    for part in slicing.slices:
        scores = [f"{shown(score.macro_f1)}{'*' if score.rows and score.absent else ''}" for score in part.scores]
        table.add_row(part.value or "(empty)", str(part.rows), *scores)
    return table


def shown(estimate: Estimate) -> str:
    """``0.7312 [0.7100, 0.7521]``."""
    if estimate.value is None:
        return "no labels"
    if estimate.low is None:
        return f"{estimate.value:.4f}"
    return f"{estimate.value:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]"


def _interval(analysis: Analysis) -> str:
    return f" [{analysis.confidence:.0%} interval]" if analysis.has_intervals else ""
