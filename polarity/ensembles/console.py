"""What a person reads when an ensemble was made: members and ensemble, task by task, and what each costs."""

from collections.abc import Mapping, Sequence

import numpy as np
from rich.table import Table

from polarity.ensembles.outcome import Outcome
from polarity.evaluation.metrics import score
from polarity.evaluation.predictions import Predictions
from polarity.reports.baselines_table import signed
from polarity.statistics import paired_difference
from polarity.wording import times

ENSEMBLE = "ensemble"


def members_table(
    outcome: Outcome,
    rows: Predictions,
    decided: Mapping[str, Sequence[np.ndarray]],
    *,
    split: str,
    speed: float,
    resamples: int,
) -> Table:
    """Macro-F1 of each member and of the result, and by how much that is better, with paired intervals.

    :param rows: what the result says about the split.
    :param decided: of each member, by name.
    :param speed: of the result, in rows per second.
    """
    tasks = [item.task for item in rows.tasks]
    ours = [item.honest for item in rows.tasks]
    how = ", cross-fitted" if split == "val" else ""
    table = Table(
        "system",
        "overall",
        "ensemble is better by",
        *(column for task in tasks for column in (task.name, "by")),
        "rows/s",
        title=f"{split} ({times(len(rows), 'row')}): macro-F1{how}, with paired 95 % intervals",
    )
    speeds = {one.name: one.speed for one in outcome.asked}
    for name, own in decided.items():
        if name in speeds:
            difference = paired_difference(rows, own, ours, resamples=resamples)
            scores = score(tasks, rows.labels, own)
            cells = [
                cell
                for task in tasks
                for cell in (_shown(scores.tasks[task.name].macro_f1), signed(difference.tasks[task.name]))
            ]
            table.add_row(name, _shown(scores.overall), signed(difference.overall), *cells, f"{speeds[name]:,.0f}")
    table.add_section()
    scores = score(tasks, rows.labels, ours)
    cells = [cell for task in tasks for cell in (_shown(scores.tasks[task.name].macro_f1), "")]
    result = ENSEMBLE if outcome.judged.kept else f"{outcome.judged.best} alone"
    table.add_row(result, _shown(scores.overall), "", *cells, f"{speed:,.0f}", style="bold")
    return table


def ways_table(outcome: Outcome) -> Table:
    """The gain of every way that was judged."""
    table = Table("way", "gain over the best member", "standard error", "kept", title="cross-fitted gains, in points")
    for name, gain in outcome.judged.gains.items():
        kept = "yes" if name == outcome.judged.kept else "no"
        table.add_row(name, f"{100 * gain.value:+.2f}", f"{100 * gain.standard_error:.2f}", kept)
    return table


def cost_sentence(outcome: Outcome, speed: float) -> str:
    """What the gain costs."""
    best = next(one for one in outcome.asked if one.name == outcome.judged.best)
    gain = 100 * outcome.judged.honest_gain.value
    return (
        f"cost: {speed:,.0f} rows/s, where {best.name} alone does {best.speed:,.0f} "
        f"({best.speed / speed:.1f} times the time), for {gain:+.2f} points"
    )


def _shown(value: float | None) -> str:
    return "no labels" if value is None else f"{value:.4f}"
