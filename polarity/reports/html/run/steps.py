"""Loss, gradient and learning rate of the steps, from what the CSV logger wrote, where it wrote anything."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

import numpy as np

from polarity.reports.html.charts.series import SERIES
from polarity.reports.html.run.history import Curves, number
from polarity.spreadsheets import read_csv

POINTS = 200
"""Of a line; more cannot be seen, and noise hides what they say."""
GROUP, GRADIENT = "lr-", "gradient/"


def step_curves(folder: Path) -> list[Curves]:
    """Charts over the steps; none without files.

    :param folder: of the CSV logger, which begins another version at every start of the run.
    """
    files = sorted(folder.glob("version_*/metrics.csv"), key=lambda path: int(path.parent.name.partition("_")[2]))
    rows = [row for path in files for row in read_csv(path)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    gradients = [name for name in columns if name.startswith(GRADIENT)][:SERIES]
    rates = [_series(rows, name) for name in columns if name.startswith(GROUP)]
    made = [
        _curves("objective of each step", "objective", {"objective": _series(rows, "step/objective")}),
        _curves("gradient norm", "norm", {name.removeprefix(GRADIENT): _series(rows, name) for name in gradients}),
        _curves("learning rate of all groups", "rate", _extremes(rates)),
    ]
    return [curves for curves in made if curves.lines]


def _series(rows: Sequence[Mapping[str, str]], column: str) -> dict[int, float]:
    """Value by step; where a resumed run repeats a step, the later one counts."""
    points = ((number(row.get("step", "")), number(row.get(column) or "")) for row in rows)
    return {int(step): value for step, value in points if isfinite(step) and isfinite(value)}


def _extremes(rates: Sequence[Mapping[int, float]]) -> dict[str, dict[int, float]]:
    """Of the many groups of parameters the highest and the lowest rate."""
    steps = sorted({step for rate in rates for step in rate})
    by_step = {step: [rate[step] for rate in rates if step in rate] for step in steps}
    highest, lowest = ({step: choose(by_step[step]) for step in steps} for choose in (max, min))
    return {"highest": highest, "lowest": lowest} if highest != lowest else {"rate": highest}


def _curves(title: str, y_name: str, lines: Mapping[str, Mapping[int, float]]) -> Curves:
    """Means of blocks of steps, so that no chart has more than ``POINTS`` of them."""
    steps = sorted({step for line in lines.values() for step in line})
    blocks = [block for block in np.array_split(np.array(steps, dtype=int), min(POINTS, len(steps) or 1)) if len(block)]
    drawn = {name: [_mean(line, block) for block in blocks] for name, line in lines.items() if line}
    note = (
        f"Each point is the mean of about {len(steps) / len(blocks):.0f} logged steps." if len(steps) > POINTS else ""
    )
    numbers = [float(block[-1]) + 1 for block in blocks]  # from 1, as in all tables; Lightning counts from 0
    return Curves(title, y_name, numbers, drawn, note=note, x_name="step")


def _mean(line: Mapping[int, float], block: np.ndarray) -> float:
    known = [line[step] for step in block.tolist() if step in line]
    return float(np.mean(known)) if known else float("nan")
