"""The numbers of the report in TensorBoard, and a layout that puts the curves of all classes into one chart."""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from polarity.analysis import Analysis, Estimate, PrecisionRecall, ReliabilityBin, Result
from polarity.wording import times

PREFIX = "report"


def last_step(steps: int) -> int:
    """Where Lightning writes what is known after so many steps: at the last of them, counted from 0."""
    return max(0, steps - 1)


def log_analysis(writer: Any, analysis: Analysis, step: int, split: str) -> None:
    """Log every score with its interval, calibration numbers, precision-recall curves, and tables as texts.

    There are no pictures: what draws them without a browser lacks the letters of most scripts.
    Tags begin with ``report/SPLIT/``; what the epochs logged stays untouched. With validation comes the layout of
    :func:`log_layout`.

    :param writer: a ``SummaryWriter``.
    :param step: of the best checkpoint.
    """
    for tag, value in scalars(analysis):
        writer.add_scalar(f"{PREFIX}/{split}/{tag}", value, step)
    for curve in analysis.curves:
        _log_curve(writer, curve, step, f"{PREFIX}/{split}/precision_recall/{curve.task}/{curve.label}")
    writer.add_text(f"{PREFIX}/{split}/scores", markdown(analysis), step)
    for task in analysis.headline.tasks:
        names = analysis.classes[task.task]
        writer.add_text(f"{PREFIX}/{split}/confusion/{task.task}", confusion_markdown(names, task.confusion), step)
    for item in analysis.calibration:
        if item.after is not None:
            writer.add_text(f"{PREFIX}/{split}/reliability/{item.task}", reliability_table(item.after.bins), step)
    if split == "val":
        log_layout(writer, analysis.classes)


def log_layout(writer: Any, classes: Mapping[str, Sequence[str]]) -> None:
    """The tab CUSTOM SCALARS: for each task one chart with validation F1 of all its classes, and one with its losses.

    :param classes: of each task.
    """
    f1, losses = {}, {}
    for task, labels in classes.items():
        f1[task] = ["Multiline", [_exactly(f"val/{task}/f1/{label}") for label in labels]]
        losses[task] = ["Multiline", [_exactly(f"{split}/{task}/loss") for split in ("train", "val")]]
    macro = [_exactly("val/macro_f1"), *(_exactly(f"val/{task}/macro_f1") for task in classes)]
    writer.add_custom_scalars({
        "F1 of each class": f1,
        "macro-F1": {"overall and tasks": ["Multiline", macro]},
        "losses": losses,
    })  # fmt: skip


def scalars(analysis: Analysis) -> Iterator[tuple[str, float]]:
    """Tag and value of every number; a score without rows has none."""
    for result in analysis.results:
        yield from _scores(result)
    for calibrated in analysis.calibration:
        for stage, numbers in (("before", calibrated.before), ("after", calibrated.after)):
            if numbers is not None:
                for name in ("ece", "ece_by_chance", "brier", "nll"):
                    yield f"calibration/{calibrated.task}/{name}/{stage}", getattr(numbers, name)
    for curve in analysis.curves:
        if curve.average_precision is not None:
            yield f"average_precision/{curve.task}/{curve.label}", curve.average_precision


def markdown(analysis: Analysis) -> str:
    """One table: every way of deciding against overall score and tasks."""
    tasks = list(analysis.classes)
    heading = " | ".join(map(escaped, tasks))
    lines = [f"| {times(analysis.rows, 'row')} | overall | {heading} |", f"|---|---|{'---|' * len(tasks)}"]
    for result in analysis.results:
        cells = [_shown(result.overall), *(_shown(result.task(task).macro_f1) for task in tasks)]
        lines.append(f"| {result.decision} | {' | '.join(cells)} |")
    return "\n".join(lines)


def confusion_markdown(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """A confusion matrix in Markdown: rows are labels, columns what was decided.

    :param counts: ``[classes, classes]``.
    """
    heading = " | ".join(map(escaped, classes))
    lines = [f"| label \\ decided | {heading} | rows |", "|---|" + "---:|" * (len(classes) + 1)]
    for name, row in zip(classes, counts, strict=True):
        lines.append(f"| **{escaped(name)}** | {' | '.join(str(int(count)) for count in row)} | {int(sum(row))} |")
    return "\n".join(lines)


def reliability_table(bins: Sequence[ReliabilityBin]) -> str:
    """Confidence and accuracy in Markdown, of the bins that have rows."""
    lines = ["| confidence | rows | mean confidence | accuracy |", "|---|---:|---:|---:|"]
    lines += [
        f"| {item.low:.2f} to {item.high:.2f} | {item.rows} | {item.confidence:.3f} | {item.accuracy:.3f} |"
        for item in bins
        if item.rows
    ]
    return "\n".join(lines)


def escaped(name: str) -> str:
    """A name that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]()#+.!|~-])", r"\\\1", html.escape(" ".join(name.split())))


def _scores(result: Result) -> Iterator[tuple[str, float]]:
    yield from _estimate(f"{result.decision}/macro_f1", result.overall)
    for task in result.tasks:
        yield from _estimate(f"{result.decision}/{task.task}/macro_f1", task.macro_f1)
        yield from _estimate(f"{result.decision}/{task.task}/accuracy", task.accuracy)
        for one in task.classes if task.rows else ():
            for name in ("precision", "recall", "f1"):
                yield from _estimate(f"{result.decision}/{task.task}/{name}/{one.name}", getattr(one, name))


def _estimate(tag: str, estimate: Estimate) -> Iterator[tuple[str, float]]:
    if estimate.value is not None:
        yield tag, estimate.value
        if estimate.low is not None and estimate.high is not None:
            yield f"{tag}/low", estimate.low
            yield f"{tag}/high", estimate.high


def _log_curve(writer: Any, curve: PrecisionRecall, step: int, tag: str) -> None:
    """The curve at thresholds in even steps, which is how TensorBoard names them."""
    if not curve.support:
        return
    total, negatives = curve.support, curve.false_alarms[0]
    columns: list[list[float]] = [[], [], [], [], [], []]
    for hits, alarms in zip(curve.hits, curve.false_alarms, strict=True):
        precision = hits / (hits + alarms) if hits + alarms else 1.0
        row = (hits, alarms, negatives - alarms, total - hits, precision, hits / total)
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    writer.add_pr_curve_raw(tag, *columns, global_step=step, num_thresholds=len(curve.hits))


def _exactly(tag: str) -> str:
    """The layout takes regular expressions that a tag has to begin with."""
    return f"{re.escape(tag)}$"


def _shown(estimate: Estimate) -> str:
    if estimate.value is None:
        return "no labels"
    interval = "" if estimate.low is None else f" ({estimate.low:.4f} to {estimate.high:.4f})"
    return f"{estimate.value:.4f}{interval}"
