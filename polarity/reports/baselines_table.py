"""The table that compares a run's model with its baselines, on the console."""

from rich.table import Table

from polarity.analysis.console import shown
from polarity.baselines import BASELINES
from polarity.evaluation.predictions import Predictions
from polarity.reports.html.run.baselines import baseline_results
from polarity.run import RunDirectory
from polarity.statistics import Difference


def baselines_table(run: RunDirectory, split: str, own: Predictions, *, resamples: int) -> Table:
    """Macro-F1 of every baseline on the same rows, and by how much the model is better, with paired intervals."""
    tasks = [item.task.name for item in own.tasks]
    table = Table("baseline", "overall", "model is better by", *tasks, title=f"{split}: baselines on the same rows")
    for item in baseline_results(run, split, own, BASELINES, resamples=resamples):
        scores = [shown(item.result.task(name).macro_f1) for name in tasks]
        table.add_row(item.title, shown(item.result.overall), signed(item.difference.overall), *scores)
    return table


def signed(difference: Difference) -> str:
    """``+0.0312 [+0.0100, +0.0521]``."""
    if (interval := difference.interval) is None:
        return f"{difference.value:+.4f} [unknown]"
    return f"{difference.value:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]"
