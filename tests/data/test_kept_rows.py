"""Rows that are kept for the next start are the very same, and are read again when anything about them has changed."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from polarity.config.build import load_corpus
from polarity.data import kept_rows
from polarity.data.files import FileCorpus
from polarity.data.rows import Splits
from polarity.errors import UserError

TEXTS = [f"text {number} 😀 \\u2028é{'x' * (number % 7)}" for number in range(60)]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(kept_rows, "WORTH", 1)
    monkeypatch.setattr(kept_rows, "_TOGETHER", 7)
    monkeypatch.setattr(kept_rows, "_FEW", 20)
    path = tmp_path / "rows.csv"
    lines = [f"{text},{'yes' if n % 2 else 'no'},{n % 3 or ''},title {n % 4},{n}" for n, text in enumerate(TEXTS)]
    path.write_text("\n".join(["text,label,source,title,number", *lines]), encoding="utf-8")
    part = "polarity.data."
    return {
        "cache_dir": str(tmp_path / "cache"),
        "limit": {"_target_": f"{part}limit.Limit", "train": None, "val": None, "test": None},
        "data": {
            "_target_": f"{part}files.FileCorpus",
            "path": str(path),
            "text": "text",
            "context": "title",
            "tasks": {"label": ["no", "yes"]},
            "leakage": {"_target_": f"{part}leakage.Leakage", "exact": "drop", "near": "drop"},
            "split": {"_target_": f"{part}splitting.Split", "near_duplicates_together": False},
            "absent_classes": "warn",
        },
    }


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often files were read."""
    seen: list[int] = []
    load: Callable[[FileCorpus], Splits] = FileCorpus.load
    monkeypatch.setattr(FileCorpus, "load", lambda self: seen.append(1) or load(self))  # type: ignore[func-returns-value]
    return seen


def plain(splits: Splits) -> list[object]:
    parts = [(name, {**asdict(rows), "labels": rows.labels.tolist()}) for name, rows in splits.items()]
    return [splits.tasks, splits.notes, *parts]


def test_a_second_file_of_a_split_is_told_whatever_is_kept(config: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    head, *lines = Path(config["data"]["path"]).read_text(encoding="utf-8").splitlines()
    for name, part in (("train", lines[:30]), ("val", lines[30:45]), ("test", lines[45:])):
        (folder / f"{name}.csv").write_text("\n".join([head, *part]), encoding="utf-8")
    allowed = {**config["data"]["leakage"], "exact": "allow", "near": "allow"}
    data = {**config["data"], "path": str(folder), "leakage": allowed, "split": None}
    load_corpus({**config, "data": data})
    (folder / "training.csv").write_text("text,label,title\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"has 2 files for train \(train.csv, training.csv\)"):
        load_corpus({**config, "data": data})


def test_the_second_start_reads_nothing_and_has_the_same_rows(config: dict[str, Any], reads: list[int]) -> None:
    first, second = load_corpus(config)[1], load_corpus(config)[1]
    assert reads == [1]
    assert plain(first) == plain(second)
    assert second.test is not None
    assert second.train.context is not None
    assert second.train.labels.dtype == np.int64
    assert len({id(cell) for cell in second.train.metadata["source"]}) == 3


def test_whatever_has_changed_is_read_again(config: dict[str, Any], reads: list[int]) -> None:
    load_corpus(config)
    config["data"]["split"]["seed"] = 1
    load_corpus(config)
    path = Path(config["data"]["path"])
    path.write_text(path.read_text(encoding="utf-8").replace("text 1 ", "text 0 "), encoding="utf-8")
    load_corpus(config)
    for damaged in Path(config["cache_dir"]).glob("rows/*/train-text-bytes.npy"):
        damaged.write_bytes(damaged.read_bytes()[:-1])
    again = load_corpus(config)[1]
    assert reads == [1] * 4
    assert plain(load_corpus(config)[1]) == plain(again)
    assert reads == [1] * 4


def test_a_file_that_was_renamed_is_another(config: dict[str, Any]) -> None:
    """In a folder the name says which split it is."""
    path, folder = Path(config["data"]["path"]), Path(config["data"]["path"]).parent / "files"
    folder.mkdir()
    lines = path.read_text(encoding="utf-8").splitlines()
    for name, part in (("train", lines[1:41]), ("val", lines[41:])):
        (folder / f"{name}.csv").write_text("\n".join([lines[0], *part]), encoding="utf-8")
    allowed = {**config["data"]["leakage"], "exact": "allow", "near": "allow"}
    config["data"] |= {"path": str(folder), "split": None, "leakage": allowed}
    assert [len(rows) for _, rows in load_corpus(config)[1].items()] == [40, 20]
    (folder / "val.csv").rename(folder / "test.csv")
    (folder / "train.csv").rename(folder / "val.csv")
    (folder / "test.csv").rename(folder / "train.csv")
    assert [len(rows) for _, rows in load_corpus(config)[1].items()] == [20, 40]


def test_a_limit_needs_no_further_reading(config: dict[str, Any], reads: list[int]) -> None:
    load_corpus(config)
    config["limit"]["train"] = 10
    assert len(load_corpus(config)[1].train) == 10
    assert reads == [1]


@pytest.mark.parametrize("where", ["small file", "own code", "own corpus", "private"])
def test_what_is_small_private_or_by_others_is_not_kept(
    config: dict[str, Any], reads: list[int], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "small file":
        monkeypatch.setattr(kept_rows, "WORTH", 2**20)
    if where == "own code":
        monkeypatch.setattr(kept_rows, "TARGET", "path")
    if where == "private":
        config["reporting"] = {"texts": False}
    if where == "own corpus":
        monkeypatch.setattr(FileCorpus, "sources", lambda _: [])
    load_corpus(config)
    load_corpus(config)
    assert reads == [1, 1]
    assert not (Path(config["cache_dir"]) / kept_rows.FOLDER).exists()


def test_what_is_wrong_with_rows_is_told_each_time(config: dict[str, Any]) -> None:
    config["data"]["tasks"] = {"label": ["no", "maybe"]}
    for _ in range(2):
        with pytest.raises(UserError, match="'yes' is no class"):
            load_corpus(config)
    assert not list(Path(config["cache_dir"]).glob("rows/*"))


def test_a_file_that_changes_while_it_is_read_is_not_kept(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, load = Path(config["data"]["path"]), FileCorpus.load

    def changing(corpus: FileCorpus) -> Splits:
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        return load(corpus)

    monkeypatch.setattr(FileCorpus, "load", changing)
    with pytest.raises(UserError, match="was changed while it was read"):
        load_corpus(config)
    assert not list(Path(config["cache_dir"]).glob("rows/*"))
