"""Data that training refuses are inspected all the same, and what it would stop at is told."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from polarity.data.corpus import Corpus
from polarity.data.files import FileCorpus
from polarity.data.leakage import Leakage
from polarity.data.limit import Limit
from polarity.data.rows import Rows, Splits
from polarity.data.splitting import Split
from polarity.errors import UserError
from polarity.inspection.loading import load_as_it_is
from polarity.tasks import Task

WHOLE = Limit(train=None, val=None, test=None)
Line = tuple[str, str]


def write(path: Path, lines: list[Line]) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "tone"), *lines])
    return str(path)


def corpus(**settings: Any) -> FileCorpus:
    return FileCorpus(**{"text": "text", "tasks": {"tone": ["bad", "good"]}, "leakage": Leakage(), **settings})


def unlike(start: int, count: int) -> list[Line]:
    return [(f"{'abcdefghij'[n % 10] * 30} number {n}", ("bad", "good")[n % 2]) for n in range(start, start + count)]


def sizes(splits: Splits) -> dict[str, int]:
    return {name: len(rows) for name, rows in splits.items()}


@pytest.mark.parametrize("reaction", ["stop", "drop", "allow"])
def test_overlaps_are_reported_and_kept_unless_training_drops_them(reaction: Any, tmp_path: Path) -> None:
    shared = [("The very same sentence stands in two splits here.", "bad")]
    files = {
        name: write(tmp_path / f"{name}.csv", [*unlike(start, 4), *shared])
        for name, start in (("train", 0), ("val", 4), ("test", 8))
    }
    loaded = load_as_it_is(corpus(**files, leakage=Leakage(exact=reaction, near="allow")), WHOLE)
    dropped = reaction == "drop"
    assert sizes(loaded.splits) == {"train": 5 - dropped, "val": 5 - dropped, "test": 5}
    notes = loaded.stops if reaction == "stop" else loaded.notes
    assert any("the same text as" in text for text in notes)
    assert bool(loaded.stops) == (reaction == "stop")


@pytest.mark.parametrize("where", ["train", "val", "test"])
def test_absent_classes_are_reported(where: str, tmp_path: Path) -> None:
    files = {}
    for name, start in (("train", 0), ("val", 10), ("test", 20)):
        lines = [(text, "bad" if name == where else tone) for text, tone in unlike(start, 6)]
        files[name] = write(tmp_path / f"{name}.csv", lines)
    loaded = load_as_it_is(corpus(**files), WHOLE)
    assert sizes(loaded.splits) == {"train": 6, "val": 6, "test": 6}
    assert any(f"{where}: no row of class 'good'" in text for text in loaded.stops)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_too_few_rows_to_split_stay_together(count: int, tmp_path: Path) -> None:
    path = write(tmp_path / "all.csv", [(f"{'xyz'[n] * 9}", "bad") for n in range(count)])
    loaded = load_as_it_is(corpus(path=path, split=Split()), WHOLE)
    assert sum(sizes(loaded.splits).values()) == count
    assert loaded.stops


def test_a_missing_split_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    write(folder / "train.csv", unlike(0, 6))
    write(folder / "test.csv", unlike(6, 6))
    loaded = load_as_it_is(corpus(path=str(folder)), WHOLE)
    assert sizes(loaded.splits) == {"train": 6, "val": 0, "test": 6}
    assert any("validation" in text for text in loaded.stops)


def test_no_row_is_lost_where_a_split_would_make_a_second_test_split(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", unlike(0, 60))
    write(tmp_path / "test.csv", unlike(60, 12))
    given = corpus(path=str(tmp_path), split=Split(test=0.15))
    assert sizes(load_as_it_is(given, WHOLE).splits) == {"train": 60, "val": 0, "test": 12}
    with pytest.raises(UserError, match=r"no rows for validation.*data.split.test=0"):
        given.load()
    cut = corpus(path=str(tmp_path), split=Split(test=0.0), leakage=Leakage(near="allow")).load()
    assert sum(sizes(cut).values()) == 72


def test_unknown_labels_count_as_missing(tmp_path: Path) -> None:
    files = {name: write(tmp_path / f"{name}.csv", unlike(start, 6)) for name, start in (("train", 0), ("val", 10))}
    write(tmp_path / "train.csv", [*unlike(0, 6), ("Another text", "goood")])
    loaded = load_as_it_is(corpus(**files), WHOLE)
    assert loaded.splits.train.labels[:, 0].tolist() == [0, 1, 0, 1, 0, 1, -100]
    assert any("goood" in text for text in loaded.stops)


@pytest.mark.parametrize("trouble", ["no file", "no column", "no class", "no row"])
def test_what_is_no_table_at_all_is_refused(trouble: str, tmp_path: Path) -> None:
    path = write(tmp_path / "all.csv", [] if trouble == "no row" else unlike(0, 9))
    settings: dict[str, Any] = {"path": path, "split": Split()}
    if trouble == "no file":
        settings["path"] = str(tmp_path / "none.csv")
    elif trouble == "no column":
        settings["text"] = "txt"
    elif trouble == "no class":
        settings["tasks"] = ["tone"]
    with pytest.raises(UserError):
        load_as_it_is(corpus(**settings), WHOLE)


def test_good_data_are_what_training_sees(tmp_path: Path) -> None:
    given = corpus(path=write(tmp_path / "all.csv", unlike(0, 40)), split=Split(group=None))
    loaded, trained = load_as_it_is(given, WHOLE), given.load()
    assert loaded.stops == ()
    for (_, one), (_, other) in zip(loaded.splits.items(), trained.items(), strict=True):
        assert one.ids == other.ids
        np.testing.assert_array_equal(one.labels, other.labels)


def test_the_limit_is_that_of_training(tmp_path: Path) -> None:
    given = corpus(path=write(tmp_path / "all.csv", unlike(0, 60)), split=Split())
    loaded = load_as_it_is(given, Limit(train=10, val=None, test=None))
    assert sizes(loaded.splits)["train"] == 10
    assert any("limit.train=10" in text for text in loaded.notes)


def test_with_a_limit_the_rows_are_those_of_training_also_where_it_drops_some(tmp_path: Path) -> None:
    shared = unlike(0, 20)
    files = {
        "train": write(tmp_path / "train.csv", [*shared, *unlike(20, 40)]),
        "val": write(tmp_path / "val.csv", [*shared, *unlike(60, 8)]),
    }
    given, limit = corpus(**files, leakage=Leakage(exact="drop", near="allow")), Limit(train=10, val=None, test=None)
    assert load_as_it_is(given, limit).splits.train.ids == limit.apply(given.load()).train.ids


def test_a_group_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    for name, start in (("train", 0), ("val", 10)):
        lines = [json.dumps({"text": text, "tone": tone, "post": [1]}) for text, tone in unlike(start, 6)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    loaded = load_as_it_is(corpus(path=str(tmp_path), group="post"), WHOLE)
    assert (loaded.group, sizes(loaded.splits)) == (None, {"train": 6, "val": 6})
    assert any("column 'post' (data.group) holds no text or number" in text for text in loaded.stops)


class OwnCorpus(Corpus):
    """A corpus of a user's own making, with or without a part that is known here."""

    def __init__(self, splits: Splits, leakage: Leakage | None) -> None:
        self.splits = splits
        self.leakage = leakage

    def read(self) -> Splits:
        return self.splits


@pytest.mark.parametrize("leakage", [None, Leakage()])
def test_a_corpus_of_another_kind(leakage: Leakage | None) -> None:
    rows = Rows(["a", "b"], ["One text", "Another"], None, np.array([[0], [1]]))
    splits = Splits((Task("tone", ("bad", "good"), "tone"),), rows, replace(rows, ids=["c", "d"]), None)
    loaded = load_as_it_is(OwnCorpus(splits, leakage), WHOLE)
    assert sizes(loaded.splits) == {"train": 2, "val": 2}
    assert bool(loaded.stops) == (leakage is not None)


def test_rows_that_make_no_table_are_refused() -> None:
    """Whatever looks at texts would end in a traceback."""
    rows = Rows(["a", "b"], ["One text", None], None, np.array([[0], [1]]))  # type: ignore[list-item]
    splits = Splits((Task("tone", ("bad", "good"), "tone"),), rows, replace(rows, ids=["c", "d"]), None)
    with pytest.raises(UserError, match=r"train: text: not all are str: \[1\] is None"):
        load_as_it_is(OwnCorpus(splits, None), WHOLE)
