"""Settings that contradict each other, or would be ignored, are refused before anything is read."""

from typing import Any

import pytest

from polarity.data.files import FileCorpus
from polarity.data.leakage import Leakage
from polarity.data.splitting import Split
from polarity.errors import UserError

PATH = {"path": "data.csv"}
FILES = {"train": "a.csv", "val": "b.csv", "test": "c.csv"}
PARQUET = {"path": "data.parquet"}

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "path: give a file or a folder"),
    (PATH | FILES, "path: data.train and data.val and data.test given, too"),
    (PATH | {"val": "b.csv"}, "path: data.val given, too"),
    ({"val": "b.csv", "test": "c.csv"}, "train: no file to train on"),
    ({"train": "a.csv"}, "train: one file alone; to have it split, give data.path=a.csv"),
    ({"train": "a.csv", "test": "c.csv"}, "val: no file for validation"),
    ({"train": "a.csv", "test": "c.csv", "split": None}, "val: no file for validation, which"),
    (FILES | {"split": Split(val=0.2)}, "split: has no effect, since the splits come from data.train and data.val"),
    (FILES | {"split": Split(group="post")}, "split: has no effect"),
    (FILES | {"split_column": "fold"}, "split_column: has no effect"),
    (PATH | {"text": ""}, "text: names no column"),
    (PATH | {"context": "text"}, "context: column 'text' is already that of text; one column, one part"),
    (PATH | {"id": "text"}, "id: column 'text' is already that of text"),
    (PATH | {"split_column": "stance"}, "tasks.stance: column 'stance' is already that of split_column"),
    (PATH | {"tasks": {"text": ["a", "b"]}}, "tasks.text: column 'text' is already that of text"),
    (
        PATH | {"tasks": {"a": {"column": "x", "classes": ["1", "2"]}, "x": ["3", "4"]}},
        "tasks.x: column 'x' is already",
    ),
    (PATH | {"metadata": ["a", "b", "a"]}, "metadata: names 'a' more than once"),
    (PATH | {"encoding": "utf8x"}, "encoding: no encoding is called 'utf8x'; did you mean 'utf-8'?"),
    (PATH | {"encoding": "base64"}, "encoding: no encoding is called 'base64'"),
    (PATH | {"delimiter": "::"}, "delimiter: must be one character, got '::'"),
    (PATH | {"quote": ",", "delimiter": ","}, "quote: is the same character as the delimiter"),
    ({"path": "data.jsonl", "delimiter": ";"}, "delimiter: has no effect on jsonl files"),
    (PARQUET | {"quote": None}, "quote: has no effect on parquet files"),
    (PARQUET | {"encoding": "cp1252"}, "encoding: has no effect on parquet files"),
]


def corpus(**settings: Any) -> FileCorpus:
    usual: dict[str, Any] = {"text": "text", "tasks": {"stance": ["yes", "no"]}, "leakage": Leakage(), "split": Split()}
    return FileCorpus(**usual | settings)


@pytest.mark.parametrize(("settings", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        corpus(**settings)
    assert [problem for problem in caught.value.problems if problem.startswith(message)], caught.value.problems


def test_all_at_once() -> None:
    with pytest.raises(UserError) as caught:
        corpus(context="text", encoding="x", tasks={"a b": ["1", "1"]}, train="a.csv", delimiter="ab")
    assert len(caught.value.problems) == 6


@pytest.mark.parametrize(
    "settings",
    [
        PATH,
        FILES,
        FILES | {"split": None},
        {"train": "a.csv", "test": "c.csv", "split": Split(test=0.0)},
        {"train": "a.csv", "val": "c.csv"},
        PATH | {"delimiter": "tab"},
        PATH | {"split_column": "fold", "split": None},
    ],
    ids=str,
)
def test_accepted_without_looking_at_files(settings: dict[str, Any]) -> None:
    assert "stance=['yes', 'no']" in repr(corpus(**settings))
