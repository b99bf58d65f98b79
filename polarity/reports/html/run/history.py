"""What the epochs left behind: scores and losses, and what the sampler showed."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from pathlib import Path

from polarity.errors import UserError


@dataclass(frozen=True)
class Curves:
    """Lines over the epochs of one chart.

    :param total: the line that stands out.
    """

    title: str
    y_name: str
    epochs: list[float]
    lines: dict[str, list[float]]
    total: str | None


@dataclass(frozen=True)
class Exposed:
    """Rows of one class, or of one joint cell: in the split, expected an epoch, and shown in the mean epoch."""

    name: str
    natural: float
    expected: float
    realised: float


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file; none if there is no file.

    :raises UserError: if it is damaged.
    """
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [{str(name): cell or "" for name, cell in row.items()} for row in csv.DictReader(file)]
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{path}: is damaged and cannot be read ({error})") from error


def learning_curves(history: Sequence[dict[str, str]], classes: dict[str, tuple[str, ...]]) -> list[Curves]:
    """F1 of each class of each task, then the losses; what the history does not tell is left out."""
    if not history:
        return []
    epochs = [_number(row.get("epoch", "")) for row in history]
    made = []
    for task, names in classes.items():
        keys = {name: f"val/{task}/f1/{name}" for name in names} | {"macro-F1": f"val/{task}/macro_f1"}
        made.append(Curves(task, "F1", epochs, _lines(history, keys), "macro-F1"))
    keys = {"training": "train/loss", "validation": "val/loss"}
    made.append(Curves("loss", "loss", epochs, _lines(history, keys), None))
    return [curves for curves in made if curves.lines]


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
        means = (_mean(_number(row.get(column, "")) for row in own) for column in ("natural", "expected", "realised"))
        made.append(Exposed(name, *means))
    return made


def _lines(history: Sequence[dict[str, str]], keys: dict[str, str]) -> dict[str, list[float]]:
    return {
        name: [_number(row.get(key, "")) for row in history]
        for name, key in keys.items()
        if any(row.get(key) for row in history)
    }


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return nan
