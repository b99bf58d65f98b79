"""Broken files: one error, complete, with file, row and remedy; and nothing is written."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest

from polarity.errors import UserError
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
    Case("missing file", {"data.csv": csv_of(rows())}, ["dta.csv does not exist", "'data.csv'"], {"path": "dta.csv"}),
    Case(
        "missing folder", {"in/x.csv": "a"}, ["inn/x.csv does not exist", "did you mean 'in'?"], {"path": "inn/x.csv"}
    ),
    Case(
        "folder for a split",
        {**TRIPLE, "train/readme.txt": ""},
        ["data.train:", "train is a folder, not a file"],
        THREE | {"train": "train"},
    ),
    Case(
        "unknown extension", {"data.xlsx": b"PK"}, ["data.xlsx: the extension '.xlsx'", ".csv"], {"path": "data.xlsx"}
    ),
    Case("too long a name", {}, [f"data.path: {'a' * 300}.csv: File name too long"], {"path": f"{'a' * 300}.csv"}),
    Case("nobody's home", {}, ["data.path: ~nobody-at-all/a.csv does not exist"], {"path": "~nobody-at-all/a.csv"}),
    Case(
        "too long a name for a split",
        {**TRIPLE},
        [f"data.train: {'a' * 300}/b.csv: File name too long"],
        THREE | {"train": f"{'a' * 300}/b.csv"},
    ),
    Case("no extension", {"data": "text\n"}, ["data: the extension '' does not tell a format"], {"path": "data"}),
    Case("duplicate column", {"data.csv": "text,stance,text\na,b,c\n"}, ["header has 'text' 2 times, as columns 1, 3"]),
    Case("no name", {"data.csv": ",,\n" + csv_of(rows())}, ["data.csv: no column has a name"]),
    Case(
        "no name for a split",
        {**TRIPLE, "test.csv": ",,\n" + csv_of(rows())},
        ["test.csv: no column has a name"],
        THREE,
    ),
    Case("no key", {"data.jsonl": "{}\n" * 40}, ["data.jsonl: no column has a name"], {"path": "data.jsonl"}),
    Case(
        "an index alone",
        {"data.parquet": parquet_of({"": COLUMNS["text"], "__index_level_0__": COLUMNS["id"]})},
        ["data.parquet: no column has a name"],
        {"path": "data.parquet"},
    ),
    Case(
        "a text twice in the place of a header",
        {"data.csv": "amber birch,amber birch,yes\na,b,c\n"},
        ["header has 'amber birch' 2 times, as columns 1, 2"],
    ),
    Case(
        "duplicate key",
        {"data.jsonl": jsonl_of(rows()) + '{"text": "a b", "text": "c"}\n'},
        ["data.jsonl: the key 'text' occurs twice in one object: row 41 (line 41)"],
        {"path": "data.jsonl"},
    ),
    Case(
        "undecodable bytes",
        {"data.csv": csv_of(replaced(6, text="un café noir")).encode("cp1252")},
        [
            "bytes that are not utf-8: row 6 (line 7) has",
            "un caf\\xe9 noir",
            "data.encoding=cp1252",
            "un café noir",
        ],
    ),
    Case(
        "undecodable bytes beside UTF-8",
        {"data.csv": csv_of(replaced(2, text="un café noir")).encode() + "r40,un café,yes\n".encode("cp1252")},
        ["not utf-8: row 41 (line 42) has 'r40,un caf\\xe9,yes'; other lines are UTF-8, so that no encoding reads all"],
    ),
    Case(
        "undecodable bytes in UTF-8 with a mark",
        {"data.csv": csv_of(replaced(6, text="un café noir")).encode("cp1252")},
        ["bytes that are not utf-8-sig: row 6 (line 7) has 'r5,un caf\\xe9 noir,yes'", "which reads 'r5,un café noir"],
        {"encoding": "utf-8-sig"},
    ),
    Case(
        "Excel read as UTF-8 with a mark",
        {"data.csv": b"PK\x03\x04rest"},
        ["Excel workbook"],
        {"encoding": "utf-8-sig"},
    ),
    Case("UTF-16", {"data.csv": csv_of(rows()).encode("utf-16")}, ["is UTF-16, not UTF-8", "data.encoding=utf-16"]),
    Case(
        "UTF-16 where another encoding is given",
        {"data.csv": csv_of(rows()).encode("utf-16")},
        ["is UTF-16, not cp1252", "data.encoding=utf-16"],
        {"encoding": "cp1252"},
    ),
    Case("UTF-16 without mark", {"data.csv": csv_of(rows()).encode("utf-16-le")}, ["data.encoding=utf-16-le"]),
    Case(
        "UTF-8 read as cp1252",
        {"data.csv": csv_of(rows()).encode("utf-8-sig")},
        ["mark of UTF-8", "encoding=utf-8"],
        {"encoding": "cp1252"},
    ),
    Case(
        "half a character of UTF-16",
        {"data.csv": csv_of(rows()).encode("utf-16-le")[:-1]},
        ["data.csv: not utf-16-le after line 40"],
        {"encoding": "utf-16-le"},
    ),
    Case("NUL", {"data.csv": csv_of(rows()).replace("r5,", "r5,\0")}, ["NUL", "row 6 (line 7)"]),
    Case("too few cells", {"data.csv": csv_of(rows()) + "r40,abc\n"}, ["too few cells", "row 41 (line 42) has 2"]),
    Case(
        "too many cells",
        {"data.csv": csv_of(rows()) + "r40,a,b,yes\n"},
        ["too many cells", "row 41 (line 42) has 4", "must stand in quotes"],
    ),
    Case(
        "unclosed quote",
        {"data.csv": csv_of(replaced(9, text='"amber'))},
        ["opens a quote that is not closed where a cell ends: row 9 (line 10)", "'data.quote=\"\"'"],
    ),
    Case(
        "text after a quote",
        {"data.csv": csv_of(replaced(9, text='"amber" birch'))},
        ["text after a closing quote: row 9 (line 10)", '("")'],
    ),
    Case(
        "a quote that swallows a row",
        {"data.csv": csv_of(replaced(9, replaced(7, text='"amber'), text='"birch" x'))},
        ["opens a quote that is not closed where a cell ends: row 7 (line 8)", "closing quote: row 9 (line 10)"],
    ),
    Case(
        "broken header",
        {"data.csv": '"text"x,stance\na,yes\n'},
        ["text after a closing quote: the header"],
    ),
    Case(
        "broken first row without a header",
        {"data.csv": '\n"a" x,yes\nb,no\n'},
        ["text after a closing quote: row 1 (line 2)"],
        {"header": False, "text": "1", "tasks": {"stance": {"column": "2", "classes": CLASSES}}},
    ),
    Case("wrong delimiter", {"data.csv": csv_of(rows(), ";")}, ["one single column", "'data.delimiter=\";\"'"]),
    Case("tabs in CSV", {"data.csv": csv_of(rows(), "\t")}, ["one single column", "'data.delimiter=tab'"]),
    Case("empty file", {"data.csv": ""}, ["data.csv: the file is empty"]),
    Case("a mark alone", {"data.jsonl": b"\xef\xbb\xbf"}, ["data.jsonl: the file is empty"], {"path": "data.jsonl"}),
    Case("blank file", {"data.csv": "\n\n"}, ["data.csv: the file holds nothing but blank lines"]),
    Case("blank JSON lines", {"data.jsonl": "\n \n"}, ["holds nothing but blank lines"], {"path": "data.jsonl"}),
    Case("header only", {"data.csv": "id,text,stance\n"}, ["data.csv: has a header but no row"]),
    Case(
        "Parquet without rows",
        {"data.parquet": parquet_of({"text": pa.array([], pa.string()), "stance": []})},
        ["data.parquet: has columns but no row"],
        {"path": "data.parquet"},
    ),
    Case(
        "truncated JSON",
        {"data.jsonl": jsonl_of(rows())[:-9]},
        ["row 40 (line 40) ends with", "truncated"],
        {"path": "data.jsonl"},
    ),
    Case(
        "broken JSON",
        {"data.jsonl": jsonl_of(rows()).replace('"id": "r3"', '"id": r3')},
        ["data.jsonl: is not JSON: row 4 (line 4) has 'Expecting value' at character 8, in '{\"id\": r3"],
        {"path": "data.jsonl"},
    ),
    Case(
        "no JSON object",
        {"data.jsonl": jsonl_of(rows()) + "[1, 2]\n3\n"},
        ["not a JSON object: row 41 (line 41) is [1, 2], row 42 (line 42) is 3"],
        {"path": "data.jsonl"},
    ),
    Case(
        "one JSON document",
        {"data.json": json.dumps(rows())},
        ["one JSON document, not JSON lines"],
        {"path": "data.json"},
    ),
    Case(
        "one indented JSON object",
        {"data.json": json.dumps(rows()[0], indent=2)},
        ["one JSON document"],
        {"path": "data.json"},
    ),
    Case(
        "half a surrogate pair",
        {"data.jsonl": jsonl_of(rows()) + '{"text": "a \\ud83d", "stance": "yes"}\n'},
        ["half of a surrogate pair", "row 41 (line 41)"],
        {"path": "data.jsonl"},
    ),
    Case(
        "endless nesting",
        {"data.jsonl": jsonl_of(rows()) + '{"text":' * 100_000 + "\n"},
        ["row 41 (line 41)"],
        {"path": "data.jsonl"},
    ),
    Case(
        "truncated Parquet",
        {"data.parquet": parquet_of(COLUMNS)[:-30]},
        ["truncated or not a Parquet file"],
        {"path": "data.parquet"},
    ),
    Case(
        "truncated gzip",
        {"data.csv.gz": gzip.compress(csv_of(rows()).encode())[:-20]},
        ["breaks off after line 40"],
        {"path": "data.csv.gz"},
    ),
    Case("no gzip", {"data.csv.gz": csv_of(rows())}, ["cannot be read (Not a gzipped file"], {"path": "data.csv.gz"}),
    Case("Excel named CSV", {"data.csv": b"PK\x03\x04rest"}, ["Excel workbook: export it as CSV"]),
    Case("Parquet named CSV", {"data.csv": parquet_of(COLUMNS)}, ["is a Parquet file: name it .parquet"]),
    Case("pointer of git-lfs", {"data.csv": "version https://git-lfs.github.com/spec/v1\noid 1\n"}, ["git lfs pull"]),
    Case(
        "folder without training file",
        {"in/val.csv": "", "in/all.csv": ""},
        ["in has no training file", "data.path=in/all.csv", "train, training, val"],
        {"path": "in"},
    ),
    Case(
        "folder with two training files",
        {"in/train.csv": csv_of(rows()), "in/training.jsonl": jsonl_of(rows())},
        ["in has 2 files for train (train.csv, training.jsonl)"],
        {"path": "in"},
    ),
    Case(
        "split column and folder",
        {f"in/{name}": content for name, content in TRIPLE.items()},
        ["data.split_column: has no effect"],
        {"path": "in", "split_column": "id", "split": None},
    ),
    Case(
        "delimiter and a folder of Parquet",
        {f"in/{n}.parquet": parquet_of(COLUMNS) for n in ("train", "val", "test")},
        ["data.delimiter: has no effect on parquet files"],
        {"path": "in", "delimiter": ";"},
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


def test_a_cut_off_file_does_not_raise_false_alarms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes that stand in rows that cannot be read are not called absent."""
    monkeypatch.chdir(tmp_path)
    table = replaced(3, text='"amber')
    write(tmp_path, {"data.csv": csv_of([row for row in table if row is table[2] or row["stance"] != "no"])})
    with pytest.raises(UserError) as caught:
        load({})
    assert len(caught.value.problems) == 1
