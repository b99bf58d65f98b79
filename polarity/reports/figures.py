"""``figures/`` of a run: the charts of its report as files, for papers and slides."""

from collections.abc import Mapping
from pathlib import Path

from polarity.analysis import Analysis
from polarity.reports.html import charts
from polarity.reports.html.file import write_chart
from polarity.reports.html.run.history import exposed, history_curves
from polarity.spreadsheets import read_csv


def write_figures(folder: Path, analyses: Mapping[str, Analysis], *, history: Path, exposure: Path) -> None:
    """Confusion matrices and reliability of every split and task, learning curves, and exposure.

    :param analyses: of each split, by its name.
    :param history: ``history.csv``, and ``exposure`` the exposure table; what is not there is not drawn.
    """
    folder.mkdir(exist_ok=True)
    for split, analysis in analyses.items():
        _write_split(folder, split, analysis)
    for item in history_curves(read_csv(history), next(iter(analyses.values())).classes):
        drawn = charts.learning_curves(
            item.title, item.epochs, item.lines, y_name=item.y_name, total=item.total, best=None
        )
        plain = item.title.replace(": ", "_").replace(" ", "_")
        name = plain if item.total is None else f"learning_curves_{plain}"
        write_chart(folder / f"{name}.svg", item.title, drawn)
    shown = exposed(read_csv(exposure), "class")
    if shown:
        rows = [(item.natural, item.expected, item.realised) for item in shown]
        title = "rows of each class in a mean epoch"
        write_chart(folder / "exposure.svg", title, charts.exposure(title, [item.name for item in shown], rows))


def _write_split(folder: Path, split: str, analysis: Analysis) -> None:
    for task in analysis.headline.tasks:
        if task.rows:
            title, names = f"{task.task}, {split}", analysis.classes[task.task]
            drawn = charts.matrix(title, task.confusion, names, row_name="label", column_name="decided")
            write_chart(folder / f"confusion_{task.task}_{split}.svg", title, drawn)
    for item in analysis.calibration:
        if item.before or item.after:
            title = f"{item.task}, {split}"
            drawn = charts.reliability(
                title, item.before.bins if item.before else (), item.after.bins if item.after else ()
            )
            write_chart(folder / f"reliability_{item.task}_{split}.svg", title, drawn)
