"""Rows that cannot be used: one error, complete, with file, row and remedy; and nothing is written."""

from pathlib import Path
from typing import Any

import pytest

from polarity.data.leakage import Leakage
from polarity.data.splitting import Split
from polarity.errors import UserError
from polarity.privacy import show_texts
from tests.broken import (
    CLASSES,
    COLUMNS,
    THREE,
    TRIPLE,
    Case,
    assert_hidden,
    csv_of,
    jsonl_of,
    load,
    parquet_of,
    replaced,
    rows,
    write,
)

CASES = [
    Case(
        "missing column",
        {"data.csv": csv_of(rows())},
        [
            "data.csv: has no column 'txt', which data.text asks for",
            "did you mean 'text'?",
            "(columns: id, text, stance)",
        ],
        {"text": "txt"},
    ),
    Case(
        "missing columns of tasks, ids, pairs, metadata and groups, all at once",
        {"data.csv": csv_of(rows())},
        [
            "no column 'stnce', which data.tasks.stnce.column asks for; did you mean 'stance'?",
            "no column 'key', which data.id asks for",
            "no column 'title', which data.context asks for",
            "no column 'date', which data.metadata asks for",
            "no column 'post', which data.split.group asks for",
        ],
        {
            "tasks": {"stnce": CLASSES},
            "id": "key",
            "context": "title",
            "metadata": ["date"],
            "split": Split(group="post"),
        },
    ),
    Case(
        "unknown labels",
        {"data.csv": csv_of([row | {"stance": "Yes"} if n > 31 else row for n, row in enumerate(rows())])},
        [
            "column 'stance': 'Yes' is no class of task 'stance': row 33 (line 34)",
            "row 37 (line 38), and 3 more (8 in all)",
            "did you mean 'yes'? (classes: none, yes, no, 1)",
        ],
    ),
    Case(
        "many unknown labels",
        {"data.csv": csv_of([row | {"stance": f"label{n}"} for n, row in enumerate(rows())])},
        ["'label0' is no class", "'label4' is no class", "column 'stance': 35 more such values, in 35 rows"],
    ),
    Case(
        "empty text", {"data.csv": csv_of(replaced(7, text=""))}, ["column 'text' (data.text) is empty: row 7 (line 8)"]
    ),
    Case("blank text", {"data.csv": csv_of(replaced(7, text=" \u200b\u00a0\t"))}, ["is empty: row 7 (line 8) is ' "]),
    Case(
        "missing and numeric text in JSON",
        {"data.jsonl": jsonl_of(replaced(5, replaced(2, text=None), text=12.5))},
        ["(data.text) is empty: row 2 (line 2)", "(data.text) holds no text: row 5 (line 5) is 12.5 (float)"],
        {"path": "data.jsonl"},
    ),
    Case(
        "a column of numbers as text",
        {"data.parquet": parquet_of(COLUMNS | {"text": range(40)})},
        ["data.parquet: column 'text' (data.text) holds no text: row 1 is 0 (int)", "(40 in all)", "right column?"],
        {"path": "data.parquet"},
    ),
    Case(
        "nested cells",
        {"data.jsonl": jsonl_of(replaced(9, replaced(3, text=["a", "b"]), stance={"label": "yes"}))},
        ["holds no text: row 3 (line 3) is ['a', 'b'] (list)", "column 'stance' holds no label: row 9 (line 9) is {"],
        {"path": "data.jsonl"},
    ),
    Case(
        "nested metadata that was asked for",
        {"data.jsonl": jsonl_of([row | {"tags": [1]} for row in rows()])},
        [
            "column 'tags' (data.metadata) holds no text or number: row 1 (line 1) is [1] (list)",
            "flatten the file first",
        ],
        {"path": "data.jsonl", "metadata": ["tags"]},
    ),
    Case(
        "a group of lists in one split",
        {
            f"{name}.jsonl": jsonl_of([row | {"post": ["p"] if name == "val" else "p"} for row in rows(40 * number)])
            for number, name in enumerate(("train", "val", "test"))
        },
        ["val.jsonl: column 'post' (data.group) holds no text or number: row 1 (line 1) is ['p'] (list)"],
        {"path": None, "train": "train.jsonl", "val": "val.jsonl", "test": "test.jsonl", "group": "post"},
    ),
    Case(
        "half a surrogate pair as context",
        {"data.jsonl": jsonl_of([row | {"title": "a \ud83d"} for row in rows()])},
        ["column 'title' (data.context) is not valid Unicode (half of a surrogate pair): row 1 (line 1)"],
        {"path": "data.jsonl", "context": "title"},
    ),
    Case(
        "number as context",
        {"data.jsonl": jsonl_of([row | {"title": 3} for row in rows()])},
        ["column 'title' (data.context) holds no text: row 1 (line 1) is 3 (int)"],
        {"path": "data.jsonl", "context": "title"},
    ),
    Case(
        "missing id",
        {"data.csv": csv_of(replaced(4, id=" "))},
        ["column 'id' (data.id) is empty: row 4 (line 5)"],
        {"id": "id"},
    ),
    Case(
        "one id, two labels",
        {"data.csv": csv_of([*rows(), rows()[3] | {"stance": "yes"}])},
        ["one id, different rows (data.id): 'r3' in row 4 (line 5) and row 41 (line 42), which differ in stance"],
        {"id": "id"},
    ),
    Case(
        "one id, composed in two ways",
        {"data.csv": csv_of([*replaced(4, id="caf\u00e9"), rows()[3] | {"id": "cafe\u0301", "stance": "yes"}])},
        ["'cafe\u0301' in row 4 (line 5) and row 41 (line 42), which differ in stance"],
        {"id": "id"},
    ),
    Case(
        "one id, two texts",
        {"data.csv": csv_of([*rows(), rows()[3] | {"text": "something else"}])},
        ["'r3' in row 4 (line 5) and row 41 (line 42), which differ in text"],
        {"id": "id"},
    ),
    Case(
        "one id in two splits",
        TRIPLE | {"test.csv": csv_of([row | {"id": f"r{n}"} for n, row in enumerate(rows(60, 12))])},
        [
            "train and test: one id, different rows (data.id): 'r0' in train.csv row 1 (line 2) and test.csv row 1",
            "and 7 more (12 in all)",
            "data.id=null",
        ],
        THREE | {"id": "id"},
    ),
    Case(
        "one text in two splits, and a class without test row",
        TRIPLE
        | {
            "val.csv": csv_of([*rows(40, 12), rows()[0]]),
            "test.csv": csv_of([row for row in rows(60, 12) if row["stance"] != "no"]),
        },
        ["leakage.exact", "test: no row of class 'no' of task 'stance'"],
        THREE,
    ),
    Case("one text in two splits", TRIPLE | {"val.csv": csv_of([*rows(40, 12), rows()[0]])}, ["leakage.exact"], THREE),
    Case(
        "unknown and empty splits",
        {"data.csv": csv_of([r | {"fold": ["train", "vall", "", "test"][n // 4 % 4]} for n, r in enumerate(rows())])},
        [
            "column 'fold': 'vall' is no split (data.split_column): row 5 (line 6)",
            "did you mean 'val'?",
            "accepted: train",
            "(data.split_column) is empty: row 9 (line 10)",
        ],
        {"split_column": "fold", "split": None},
    ),
    Case(
        "a split column without training rows",
        {"data.csv": csv_of([row | {"fold": ["val", "test"][n > 20]} for n, row in enumerate(rows())])},
        ["data: no rows to train on; found val, test"],
        {"split_column": "fold", "split": None},
    ),
    Case(
        "a split column without validation rows",
        {"data.csv": csv_of([row | {"fold": ["train", "test"][n > 20]} for n, row in enumerate(rows())])},
        ["no rows for validation", "data.split.test=0"],
        {"split_column": "fold"},
    ),
    Case(
        "settings of a split that the column makes",
        {"data.csv": csv_of([r | {"fold": ["train", "dev", "test"][n % 3]} for n, r in enumerate(rows())])},
        ["data.split: has no effect, since the splits come from the data"],
        {"split_column": "fold", "split": Split(val=0.3)},
    ),
    Case("nothing to split with", {"data.csv": csv_of(rows())}, ["data.split: is null"], {"split": None}),
    Case(
        "class without training row",
        TRIPLE | {"train.csv": csv_of([row for row in rows() if row["stance"] != "no"])},
        ["train: no row of class 'no' of task 'stance' (3 in val, 3 in test)", "cannot be learnt"],
        THREE | {"absent_classes": "warn"},
    ),
    Case(
        "class without test row",
        TRIPLE | {"test.csv": csv_of([row for row in rows(60, 12) if row["stance"] != "no"])},
        ["test: no row of class 'no' of task 'stance' (10 in train, 3 in val)", "data.absent_classes=warn"],
        THREE,
    ),
    Case(
        "task without labels in a split",
        TRIPLE | {"val.csv": csv_of([row | {"stance": ""} for row in rows(40, 12)])},
        ["val: no row has a label of task 'stance'"],
        THREE,
    ),
    Case(
        "no label at all",
        {"data.csv": csv_of([row | {"stance": ""} for row in rows()])},
        ["no row has a label of any task"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_message(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, case.files)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError) as caught:
        load(case.settings)
    message = str(caught.value)
    assert [piece for piece in case.says if piece not in message] == [], message
    assert len(caught.value.problems) <= 12
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_message_holds_a_private_text(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_hidden(case, tmp_path, monkeypatch)


def test_private_labels_are_one_message_without_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The advice for one of them would be that for all."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"data.csv": csv_of(replaced(1, replaced(2, stance="nope"), stance="Yes"))})
    show_texts(False)
    with pytest.raises(UserError) as caught:
        load({})
    hidden = "data.csv: column 'stance': (hidden, as texts are private) is no class of task 'stance': "
    assert [line for line in caught.value.problems if "is no class" in line] == [
        f"{hidden}row 1 (line 2), row 2 (line 3)"
    ]


@pytest.mark.parametrize("tasks", [["stnce"], {"stnce": [True, False]}, {"stnce": {"column": "stnce"}}])
def test_a_missing_column_of_labels_is_told_once(tasks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its classes are called is not asked of it, too."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"data.csv": csv_of(rows())})
    with pytest.raises(UserError) as caught:
        load({"tasks": tasks})
    (problem,) = caught.value.problems
    assert "has no column 'stnce', which data.tasks.stnce.column asks for; did you mean 'stance'?" in problem


def test_classes_are_only_offered_together_where_each_task_is_offered_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a column of ids or texts would be printed whole, after a line that suggests nothing."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"data.csv": csv_of(rows())})
    with pytest.raises(UserError) as caught:
        load({"tasks": {"stance": None, "id": None}})
    assert "is it one of labels?" in str(caught.value)
    assert "all of them" not in str(caught.value)
    assert "r17" not in str(caught.value)


def test_classes_are_offered_together_with_those_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = [row | {"a": "xy"[number % 2], "b": "zw"[number % 2]} for number, row in enumerate(rows())]
    write(tmp_path, {"data.csv": csv_of(made)})
    with pytest.raises(UserError) as caught:
        load({"tasks": {"a": None, "stance": ["1", "no", "none", "yes"], "b": None}})
    (line,) = [line for line in caught.value.problems if "all of them" in line]
    assert line.endswith("'data.tasks={a:[x,y],stance:[1,no,none,yes],b:[z,w]}'"), line


def test_private_values_are_not_offered_as_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = [row | {"a": "xy"[number % 2], "b": "zw"[number % 2]} for number, row in enumerate(rows())]
    write(tmp_path, {"data.csv": csv_of(made)})
    show_texts(False)
    with pytest.raises(UserError) as caught:
        load({"tasks": {"a": None, "b": None}})
    assert [line.split("; what")[1] for line in caught.value.problems] == [
        " stands in column 'a' is hidden, as texts are private",
        " stands in column 'b' is hidden, as texts are private",
    ]


@pytest.mark.parametrize("spoilt", [{"part": "vall"}, {"part": ""}, {"text": " "}, {}], ids=str)
def test_a_class_is_only_missed_where_every_row_could_be_read(
    spoilt: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To go on without it is no advice where its rows are there, and reported."""
    monkeypatch.chdir(tmp_path)
    made = [row | {"part": "train" if number < 40 else "val"} for number, row in enumerate(rows(count=60))]
    made = [row | (spoilt or {"stance": "no"}) if number > 40 and row["stance"] == "1" else row
            for number, row in enumerate(made)]  # fmt: skip
    made.append(made[0] | {"id": "another"})  # a copy in two splits is told in any case
    made[-1]["part"] = "val"
    write(tmp_path, {"data.csv": csv_of(made)})
    with pytest.raises(UserError) as caught:
        load({"split_column": "part", "split": None})
    said = str(caught.value)
    assert "has the same text" in said
    assert ("val: no row of class '1'" in said) == (not spoilt)


def test_everything_at_once_over_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bad = replaced(3, replaced(5, text=""), stance="nope")
    broken = {
        "train.csv": csv_of(bad).encode() + b"r99,\xff bad,yes\n",
        "val.jsonl": jsonl_of(rows(40, 12))[:-4] + "\n[",
    }
    write(tmp_path, broken | {"test.csv": csv_of([row | {"stance": "non"} for row in rows(60, 12)])})
    with pytest.raises(UserError) as caught:
        load({"path": None, "train": "train.csv", "val": "val.jsonl", "test": "tset.csv"})
    message = str(caught.value)
    for piece in (
        "data.test: tset.csv does not exist; did you mean 'test.csv'?",
        "train.csv: holds bytes that are not utf-8: row 41 (line 42)",
        "train.csv: column 'text' (data.text) is empty: row 5 (line 6)",
        "train.csv: column 'stance': 'nope' is no class",
        "val.jsonl: is not JSON: row 12 (line 12)",
    ):
        assert piece in message, message


def test_problems_of_rows_do_not_hide_those_of_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shared = [*rows(40, 12), rows()[0]]
    write(tmp_path, TRIPLE | {"train.csv": csv_of(replaced(9, stance="nope")), "val.csv": csv_of(shared)})
    with pytest.raises(UserError) as caught:
        load(THREE | {"tasks": {"stance": [*CLASSES, "maybe"]}})
    message = str(caught.value)
    for piece in ("'nope' is no class", "train: no row of class 'maybe'", "leakage.exact"):
        assert piece in message, message


def test_an_absent_class_is_told_once_where_rows_are_left_out_of_training(tmp_path: Path) -> None:
    shared = [row for row in [*rows(40, 12), rows()[2] | {"stance": "yes"}] if row["stance"] != "no"]
    write(tmp_path, TRIPLE | {"val.csv": csv_of(shared), "test.csv": csv_of(replaced(3, rows(60, 12), stance="nope"))})
    files = {name: f"{tmp_path}/{name}.csv" for name in ("train", "val", "test")}
    with pytest.raises(UserError) as caught:
        load({"path": None, "leakage": Leakage(exact="drop", near="drop"), **files})
    absent = [problem.partition(";")[0] for problem in caught.value.problems if "no row of class 'no'" in problem]
    assert absent == ["val: no row of class 'no' of task 'stance' (9 in train, 2 in test)"]
