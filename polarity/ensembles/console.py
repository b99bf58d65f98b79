"""What a person reads when an ensemble was made: members and ensemble, task by task, and what each costs."""

from collections.abc import Mapping, Sequence

import numpy as np
from rich.table import Table

from polarity.ensembles.outcome import Outcome, error_in_points
from polarity.evaluation.metrics import Scores, score
from polarity.evaluation.predictions import Predictions
from polarity.reports.baselines_table import signed
from polarity.statistics import paired_difference
from polarity.wording import times

ENSEMBLE = "ensemble"
SPEEDS = "rows/s: on this machine just now, beside whatever else it did; the fastest of several passes"


def members_table(
    outcome: Outcome,
    rows: Predictions,
    decided: Mapping[str, Sequence[np.ndarray]],
    *,
    split: str,
    resamples: int,
) -> Table:
    """Macro-F1 of each member and of the result, and by how much that is better, with paired intervals.

    :param rows: what the result says about the split.
    :param decided: of each member, by name.
    """
    tasks = [item.task for item in rows.tasks]
    ours = [item.honest for item in rows.tasks]
    how = "cross-fitted, all by the same kinds of rule" if split == "val" else "members by their own rules"
    result = ENSEMBLE if outcome.alone is None else f"{outcome.alone} alone"
    table, intervals = Table("system", "rows/s", "task", "macro-F1", f"{result} is better by"), False
    speeds = {one.name: one.speed for one in outcome.asked}
    for name, own in decided.items():
        is_result = name == outcome.alone  # which stands below, by its own rule
        if name in speeds and not is_result:
            scores, difference = score(tasks, rows.labels, own), paired_difference(rows, own, ours, resamples=resamples)
            intervals |= difference.overall.interval is not None
            known = {name for name, task in scores.tasks.items() if task.macro_f1 is not None}
            of_tasks = [signed(difference.tasks[task.name]) if task.name in known else "" for task in tasks]
            by = [signed(difference.overall), *of_tasks]
            _add(table, name, speeds[name], scores, by)
    _add(table, result, outcome.speed, score(tasks, rows.labels, ours), [""] * (1 + len(tasks)), style="bold")
    paired = ", with paired 95 % intervals" if intervals else ""
    table.title = f"{split} ({times(len(rows), 'row')}): macro-F1 ({how}){paired}"
    table.caption = SPEEDS
    return table


def _add(table: Table, name: str, speed: float, scores: Scores, by: Sequence[str], style: str | None = None) -> None:
    """A system's scores, one below the other: however many tasks there are, their names can be read."""
    values = [("overall", scores.overall), *((task, own.macro_f1) for task, own in scores.tasks.items())]
    firsts = [(name, f"{speed:,.0f}"), *[("", "")] * (len(values) - 1)]
    for first, (task, value), difference in zip(firsts, values, by, strict=True):
        table.add_row(*first, task, _shown(value), difference, style=style)
    table.add_section()


def ways_table(outcome: Outcome) -> Table:
    """The gain of every way that was judged."""
    over = "gain over the best member (of each fold)"
    table = Table("way", over, "standard error", "kept", title="cross-fitted gains, in points")
    for name, gain in outcome.judged.gains.items():
        kept = "yes" if name == outcome.judged.kept else "no"
        table.add_row(name, f"{100 * gain.value:+.2f}", error_in_points(gain), kept)
    return table


def cost_sentence(outcome: Outcome) -> str:
    """What the gain over one member costs; nothing, where it is alone."""
    if outcome.alone is not None:
        return f"cost: none, it is {outcome.alone} alone"
    best = next(one for one in outcome.asked if one.name == outcome.judged.best)
    rows = outcome.fitted.predictions
    tasks = [item.task for item in rows.tasks]
    ours, its = ([item.honest for item in rows.tasks], outcome.decided[best.name])
    gain = score(tasks, rows.labels, ours).overall - score(tasks, rows.labels, its).overall
    points = f"{100 * abs(gain):.2f} points {'less' if gain < 0 else 'more'} than it on validation"
    if outcome.combined is None:
        return f"cost: none, it is one model as {best.name} is, for {points}"
    return (
        f"cost: {outcome.speed:,.0f} rows/s just now, where {best.name} alone does {best.speed:,.0f} "
        f"({best.speed / outcome.speed:.1f} times the time), for {points}"
    )


def _shown(value: float | None) -> str:
    return "no labels" if value is None else f"{value:.4f}"
