"""Whatever the formats of input and output are, every cell comes out as it went in."""

import csv
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polarity.data.table import read_table
from polarity.errors import UserError
from polarity.tables.dialect import Dialect
from polarity.tables.problems import Problems
from tests.prediction.jobs import FORMATS, TASKS, added_columns, job, predict, read, write

NASTY = [
    "plain", "007", "1.10", "NA", "null", " padded ", 'a "quoted" word', "'single'", "comma, semicolon; tab\tpipe|", "",
    "two\nlines", "carriage\r\nreturn", "bare\rreturn", "\u2028 separator", "München 東京 🎉", "\\x41 \\n",
    "=1+1", "{}", "[1]", "-", "\ufeffmark",
]  # fmt: skip
ROWS = [{"id": f"{n:03}", "text": f"text {cell}", "cell": cell, "": cell[::-1]} for n, cell in enumerate(NASTY)]


@pytest.mark.parametrize("written", FORMATS)
@pytest.mark.parametrize("given", FORMATS)
def test_every_cell_comes_out_as_it_went_in(given: str, written: str, tmp_path: Path) -> None:
    source, output = write(tmp_path / f"in.{given}", ROWS), tmp_path / f"out.{written}"
    outcome = predict(job(source, output))
    rows = read(output)
    assert outcome.rows == len(rows) == len(ROWS)
    assert [{name: row[name] for name in ROWS[0]} for row in rows] == ROWS
    assert list(rows[0]) == [*ROWS[0], *added_columns().names]
    assert all(float(row["tone.confidence"]) > 0 for row in rows)


@pytest.mark.parametrize("written", ["csv", "jsonl", "parquet"])
def test_numbers_have_all_their_digits_in_every_format(written: str, tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", ROWS)
    predict(job(source, tmp_path / "exact.parquet"))
    predict(job(source, tmp_path / f"out.{written}"))
    names = [f"tone.prob.{label}" for label in TASKS[0].classes]
    exact, rows = read(tmp_path / "exact.parquet"), read(tmp_path / f"out.{written}")
    assert [[float(row[name]) for name in names] for row in rows] == [[row[name] for name in names] for row in exact]


def test_a_line_of_json_is_copied_and_only_added_to(tmp_path: Path) -> None:
    lines = [
        '{"text": "a", "n": 1.10, "big": 123456789012345678901234567890, "e": 1e400, "u": "\\u00e9"}',
        '  {"text":"b","nested":{"k":[1,2.50]},"no":null}  ',
    ]
    (tmp_path / "in.jsonl").write_text("\n".join([lines[0], "", lines[1]]), encoding="utf-8")
    predict(job(tmp_path / "in.jsonl", tmp_path / "out.jsonl"))
    rows = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    for line, source in zip(rows, lines, strict=True):
        assert line.startswith(f"{source.strip()[:-1]}, ")
        assert "tone.pred" in json.loads(line)


@pytest.mark.parametrize("written", ["csv", "parquet"])
def test_keys_of_json_become_columns_wherever_they_first_occur(written: str, tmp_path: Path) -> None:
    lines = [
        '{"text": "a", "n": 1.10}',
        '{"text": "b", "yes": true}',
        '{"late": [1, {"k": "ü"}], "text": "c", "big": 12345678901234567890}',
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    predict(job(tmp_path / "in.jsonl", tmp_path / f"out.{written}", chunk_rows=1))
    rows = read(tmp_path / f"out.{written}")
    missing = "" if written == "csv" else None
    assert [row["n"] for row in rows] == ["1.10", missing, missing]
    assert [row["yes"] for row in rows] == [missing, "true", missing]
    assert [row["late"] for row in rows] == [missing, missing, '[1, {"k": "ü"}]']
    assert rows[2]["big"] == "12345678901234567890"


@pytest.mark.parametrize("written", ["csv", "parquet"])
def test_numbers_within_lists_and_objects_of_json_have_the_digits_that_were_written(
    written: str, tmp_path: Path
) -> None:
    nested = '[0.10, 12345678901234567890.50, {"k": [1E5, 1e400, -0.0, true, null, "ü"]}, [], {}, 7]'
    (tmp_path / "in.jsonl").write_text(f'{{"text": "a", "cell": {nested}}}\n{{"text": "b", "cell": [NaN]}}', "utf-8")
    predict(job(tmp_path / "in.jsonl", tmp_path / f"out.{written}"))
    assert [row["cell"] for row in read(tmp_path / f"out.{written}")] == [nested, '["NaN"]']


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    table = pa.table({
        "text": ["a", "b", "c", "d"],
        "n": pa.array([1, None, 3, 4], pa.int8()),
        "tags": [["x"], [], None, ["y", "z"]],
        "when": pa.array([datetime(2026, 1, 31, tzinfo=UTC)] * 4, pa.timestamp("us", "UTC")),
        "kind": pa.array(["k", "k", None, "l"]).dictionary_encode(),
        "price": [1.0, float("nan"), float("inf"), None],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "in.parquet")
    predict(job(tmp_path / "in.parquet", tmp_path / "out.parquet"))
    result = pq.read_table(tmp_path / "out.parquet").select(table.column_names)
    assert result.schema.equals(table.schema)
    assert result.to_pylist()[0] == table.to_pylist()[0]
    predict(job(tmp_path / "in.parquet", tmp_path / "out.jsonl"))
    rows = read(tmp_path / "out.jsonl")
    assert [row["price"] for row in rows] == [1.0, "nan", "inf", None]
    assert rows[0]["tags"] == ["x"]
    assert rows[0]["when"].startswith("2026-01-31")
    predict(job(tmp_path / "in.parquet", tmp_path / "out.csv"))
    assert [row["tags"] for row in read(tmp_path / "out.csv")] == ['["x"]', "[]", "", '["y", "z"]']


def test_other_delimiters_and_encodings(tmp_path: Path) -> None:
    for encoding in ("cp1252", "utf-16", "utf-8-sig"):
        source, output = tmp_path / f"{encoding}.csv", tmp_path / f"{encoding}-out.csv"
        source.write_text('text;"n;m"\n"für; dich";1\n', encoding=encoding)
        plain = "utf-8" if encoding == "utf-8-sig" else encoding
        predict(job(source, output, dialect={"encoding": plain, "delimiter": ";"}))
        with output.open(encoding="utf-8", newline="") as file:
            header, row = csv.reader(file, delimiter=";")
        assert (header[:2], row[:2]) == (["text", "n;m"], ["für; dich", "1"])
    predict(job(tmp_path / "cp1252.csv", tmp_path / "out.tsv", dialect={"encoding": "cp1252", "delimiter": ";"}))
    assert read(tmp_path / "out.tsv")[0]["text"] == "für; dich"


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_what_may_be_read_as_other_letters_is_told(kind: str, tmp_path: Path) -> None:
    rows = ["schön è", "für dich", "größer"]
    written = [f"{row}\n" if kind == "csv" else f'{{"text": "{row}"}}\n' for row in rows]
    parts = [row.encode("cp1252" if number else "utf-8") for number, row in enumerate(written)]
    (tmp_path / f"in.{kind}").write_bytes(b"".join([b"text\n"] * (kind == "csv") + parts))
    outcome = predict(job(tmp_path / f"in.{kind}", tmp_path / "out.jsonl", dialect={"encoding": "cp1252"}))
    assert ["1 of 3 non-ASCII lines is UTF-8" in note for note in outcome.notes] == [True]
    table = read_table(tmp_path / f"in.{kind}", Dialect("cp1252"), Problems())
    assert table is not None
    assert ["1 of 3 non-ASCII lines is UTF-8" in note for note in table.notes] == [True]


def test_quotes_can_be_ordinary_characters(tmp_path: Path) -> None:
    (tmp_path / "in.tsv").write_text('text\tn\n"open\t5"\n', encoding="utf-8")
    predict(job(tmp_path / "in.tsv", tmp_path / "out.jsonl", dialect={"quote": None}))
    assert read(tmp_path / "out.jsonl")[0]["text"] == '"open'


@pytest.mark.parametrize("written", FORMATS)
@pytest.mark.parametrize("given", ["csv", "parquet", "csv.gz"])
def test_a_file_without_rows_gives_a_file_without_rows(given: str, written: str, tmp_path: Path) -> None:
    source = tmp_path / f"in.{given}"
    if given == "parquet":
        pq.write_table(pa.table({"text": pa.array([], pa.string()), "id": pa.array([], pa.string())}), source)
    elif given == "csv":
        source.write_text("text,id\n")
    else:
        source.write_bytes(gzip.compress(b"text,id\n"))
    outcome = predict(job(source, tmp_path / f"out.{written}"))
    assert outcome.rows == 0
    assert read(tmp_path / f"out.{written}") == []


def test_columns_of_one_name_are_refused_where_the_output_has_room_for_one(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text,a,a\nx,1,2\n", encoding="utf-8")
    predict(job(tmp_path / "in.csv", tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[1].startswith("x,1,2,")
    for written in ("jsonl", "parquet"):
        with pytest.raises(UserError, match="'a' twice"):
            predict(job(tmp_path / "in.csv", tmp_path / f"out.{written}"))
