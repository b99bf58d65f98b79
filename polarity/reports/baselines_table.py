"""The table that compares a run's model with its baselines, on the console."""

from rich.table import Table

from polarity.analysis.console import shown
from polarity.reports.html.run.folder import SplitContent
from polarity.statistics import Difference


def baselines_table(split: SplitContent) -> Table:
    """Macro-F1 of every baseline on the same rows, and by how much the model is better, with paired intervals."""
    tasks = list(split.analysis.classes)
    title = f"{split.name}: baselines on the same rows"
    table = Table("baseline", "overall", "model is better by", *tasks, title=title)
    for item in split.baselines:
        scores = [shown(item.result.task(name).macro_f1) for name in tasks]
        table.add_row(item.title, shown(item.result.overall), signed(item.difference.overall), *scores)
    return table


def signed(difference: Difference) -> str:
    """``+0.0312 [+0.0100, +0.0521]``."""
    if (interval := difference.interval) is None:
        return f"{difference.value:+.4f} [unknown]"
    return f"{difference.value:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]"
