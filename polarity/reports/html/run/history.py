"""What the epochs left behind: scores and losses, and what the sampler showed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, nan

from polarity.reports.html.charts.series import SERIES
from polarity.wording import times

TOTAL = "macro-F1"


NUMBERS = {
    "training objective": ("objective", ("train/objective",)),
    "learning rate": ("rate", ("train/lr",)),
    "gradient norm": ("norm", ("train/gradient_norm",)),
    "rows per second": ("rows/s", ("rows_per_second",)),
    "seconds per epoch": ("seconds", ("seconds",)),
}
"""Charts of one number: title, name of the axis, and the columns of the history that may hold it."""


@dataclass(frozen=True)
class Curves:
    """Lines over the epochs, or the steps, of one chart.

    :param total: the line that stands out.
    :param note: which lines were left out.
    """

    title: str
    y_name: str
    epochs: list[float]
    lines: dict[str, list[float]]
    total: str | None = None
    note: str = ""
    x_name: str = "epoch"


@dataclass(frozen=True)
class Exposed:
    """Rows of one class, or of one joint cell: in the split, expected an epoch, and shown in the mean epoch."""

    name: str
    natural: float
    expected: float
    realised: float


def history_curves(history: Sequence[dict[str, str]], classes: dict[str, tuple[str, ...]]) -> list[Curves]:
    """F1 of each class of each task, losses, and how training went; what the history does not tell is left out."""
    epochs = [number(row.get("epoch", "")) + 1 for row in history]  # from 1; 0 is before training
    made = [_f1(history, epochs, task, names) for task, names in classes.items()]
    for task in classes:
        keys = {"training": f"train/{task}/loss", "validation": f"val/{task}/loss"}  # the same measure on both
        made.append(Curves(f"{task}: cross-entropy", "nats", epochs, _lines(history, keys)))
    for title, (y_name, columns) in NUMBERS.items():
        found = list(_lines(history, {column: column for column in columns}).values())
        made.append(Curves(title, y_name, epochs, dict(zip((title,), found, strict=False))))
    return [curves for curves in made if curves.lines]


def _f1(history: Sequence[dict[str, str]], epochs: list[float], task: str, names: Sequence[str]) -> Curves:
    lines = _lines(history, {name: f"val/{task}/f1/{name}" for name in names})
    shown, note = lines, ""
    if len(lines) > SERIES:
        last = {name: next((v for v in reversed(line) if isfinite(v)), inf) for name, line in lines.items()}
        worst = sorted(lines, key=lambda name: last[name])[:SERIES]
        shown = {name: lines[name] for name in lines if name in worst}
        tied = sum(value <= last[worst[-1]] for value in last.values())
        as_low = f" ({times(tied, 'class is', 'classes are')} as low as these)" if tied > SERIES else ""
        which = f"those with the lowest F1 in the last epoch{as_low}"
        note = f"Drawn are {SERIES} of {times(len(lines), 'class', 'classes')}, {which}."
    total = _lines(history, {TOTAL: f"val/{task}/macro_f1"})
    if TOTAL in shown:  # a class of this name
        total = {f"{TOTAL} of all": line for line in total.values()}
    return Curves(task, "F1", epochs, shown | total, next(iter(total), None), note)


def class_exposure(rows: Sequence[dict[str, str]], classes: Mapping[str, Sequence[str]]) -> dict[str, list[Exposed]]:
    """What was shown of each class, by task; without tasks of which nothing is known."""
    known = {item.name: item for item in exposed(rows, "class")}
    by_task = {
        task: [replace(known[key], name=name) for name in names if (key := f"{task}={name}") in known]
        for task, names in classes.items()
    }
    return {task: items for task, items in by_task.items() if items}


def exposed(rows: Sequence[dict[str, str]], kind: str) -> list[Exposed]:
    """The mean over the epochs, for each class (named ``TASK=CLASS``) or each joint cell."""
    chosen = [row for row in rows if row.get("kind") == kind]
    made = []
    for name in dict.fromkeys(row["name"] for row in chosen):
        own = [row for row in chosen if row["name"] == name]
        means = (_mean(number(row.get(column, "")) for row in own) for column in ("natural", "expected", "realised"))
        made.append(Exposed(name, *means))
    return made


def _lines(history: Sequence[dict[str, str]], keys: dict[str, str]) -> dict[str, list[float]]:
    return {
        name: [number(row.get(key, "")) for row in history]
        for name, key in keys.items()
        if any(row.get(key) for row in history)
    }


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def number(text: str) -> float:
    """A cell of a table; NaN where it holds none."""
    try:
        return float(text)
    except ValueError:
        return nan
