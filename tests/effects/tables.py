"""One table that every preset of user data can read, whole, in three parts, with leaks and with an absent class."""

import csv
import random
import string
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

Row = dict[str, str]

CLASSES = {
    "stance": ("none", "yes", "no"),
    "sentiment": ("negative", "neutral", "positive"),
    "polarization": ("non_polarized", "objective", "partisan"),
}
SPLITS = ("train", "val", "test")
MORE_COLUMNS = ("source", "lang", "outlet", "topic", "type", "mention", "article_group")
FORMS = (8, 2, 9, 3, 12, 5)  # words of a text: short ones are compared exactly only


def table(number: int, seed: int) -> list[Row]:
    """Rows whose texts have nothing in common."""
    draw = random.Random(seed)
    rows = []
    for row in range(number):
        text = " ".join(_word(draw) for _ in range(FORMS[row % len(FORMS)]))
        text = f'{text} é "so"' if row % 7 == 0 else text
        cells = {"id": f"{seed}-{row}", "text": text, "comment": text, "extra": " ".join(_word(draw) for _ in range(6))}
        cells |= {task: classes[(row + row // 3 * shift) % 3] for shift, (task, classes) in enumerate(CLASSES.items())}
        cells |= {column: f"{column} {draw.randrange(9)}" for column in MORE_COLUMNS}
        rows.append({**cells, "title": f"title {row % 9}", "part": SPLITS[row // 3 % 3]})
    return rows


def nearly(rows: Sequence[Row], seed: int) -> list[Row]:
    """Copies of rows with a letter in some words changed: more and more of them from row to row."""
    draw = random.Random(seed)
    copies = []
    for number, row in enumerate(rows):
        words = row["text"].split(" ")
        for place in draw.sample(range(len(words)), k=min(len(words), 1 + number % 3)):
            words[place] = words[place][:-1] + "zq"[number % 2]
        copies.append({**row, "id": f"{row['id']}-{seed}", "text": " ".join(words), "comment": " ".join(words)})
    return copies


def _word(draw: random.Random) -> str:
    return "".join(draw.choices(string.ascii_lowercase, k=7))


def write(path: Path, rows: Sequence[Row], delimiter: str = ",", encoding: str = "utf-8") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


@cache
def parts(kind: str) -> dict[str, list[Row]]:
    """Rows by split: without anything in common, "leaking" into each other, or with a class "absent" from val."""
    made = {name: table(36, seed) for seed, name in enumerate(SPLITS, start=1)}
    if kind == "leaking":
        made["val"] += [{**row, "id": f"{row['id']}-again"} for row in made["train"][:3]] + nearly(made["train"][3:], 9)
    if kind == "absent":
        made["val"] = [row for row in made["val"] if all(row[task] != names[0] for task, names in CLASSES.items())]
    return made


@cache
def files(kind: str) -> dict[str, str]:
    """Paths of the parts of a kind, their "folder", "all" rows in one file with near-duplicates, and "other" rows."""
    folder = Path(mkdtemp())
    paths = {name: write(folder / kind / f"{name}.csv", rows) for name, rows in parts(kind).items()}
    everything = [row for rows in parts("apart").values() for row in rows]
    paths["all"] = write(folder / "all.csv", [*everything, *nearly(everything, 7)])
    paths["semicolons"] = write(folder / "semicolons.csv", table(60, 5), delimiter=";")
    paths["western"] = write(folder / "western.csv", table(60, 6), encoding="cp1252")
    return paths | {"folder": str(folder / kind), "other": write(folder / "other.csv", table(40, 4))}
