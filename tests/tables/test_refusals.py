"""The same rows and cells are refused in training and in prediction, with the same words."""

import csv
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polarity.data.table import read_table
from polarity.errors import UserError
from polarity.tables.dialect import Dialect
from polarity.tables.formats import FORMATS, file_format, open_bytes, open_reader
from polarity.tables.problems import Problems, Refusal
from tests.prediction.jobs import job, predict, read

BROKEN = {
    "csv": [b"b", b"b,x,surplus", b'b,"x" y', b'b,"never closed', b"b,caf\xe9"],
    "tsv": [b"b", b"b\tx\ty", b'b\t"x" y', b"b\tcaf\xe9"],
    "jsonl": [
        b'{"id": "b"',
        b"[1]",
        b"null",
        b'{"id": "b", "text": "x", "text": "y"}',
        b'{"id": "b", "text": "caf\xe9"}',
    ],
}


def table(path: Path, kind: str, *between: bytes) -> Path:
    """Two good rows, and lines between them."""
    mark = b"\t" if kind == "tsv" else b","
    good = b'{"id": "g", "text": "good"}' if kind == "jsonl" else mark.join((b"g", b"good"))
    header = [] if kind == "jsonl" else [mark.join((b"id", b"text"))]
    path.write_bytes(b"\n".join([*header, good, *between, good]) + b"\n")
    return path


def trained(path: Path, **dialect: str) -> tuple[list[str], int]:
    """What training says about a table, and how many of its rows it reads."""
    problems = Problems()
    result = read_table(path, Dialect(**dialect), problems)
    return problems.lines(), 0 if result is None else len(result)


def refused(path: Path) -> list[str]:
    """What prediction says about it."""
    with pytest.raises(UserError) as caught:
        predict(job(path, path.parent / "out.csv"))
    return list(caught.value.problems)


@pytest.mark.parametrize(("kind", "line"), [(kind, line) for kind, lines in BROKEN.items() for line in lines])
def test_training_and_prediction_refuse_the_same_rows_with_the_same_words(
    kind: str, line: bytes, tmp_path: Path
) -> None:
    path = table(tmp_path / f"in.{kind}", kind, line)
    (result,), rows = trained(path)
    (predicted,) = refused(path)
    assert rows == 2, "the others are read"
    assert predicted.replace("; on_error=keep keeps such rows", "") == (
        result.replace("data.encoding", "encoding").replace("data.quote", "quote")
    )
    assert f"row 2 (line {2 if kind == 'jsonl' else 3})" in result
    predict(job(path, tmp_path / "kept.jsonl", keep=True))
    error = read(tmp_path / "kept.jsonl")[1]["error"]
    assert error.startswith("row 2 (line ")
    assert error.rpartition(": ")[2] in result


def test_a_header_that_is_not_of_the_encoding_is_refused_with_the_one_that_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes("text,Größe\na,b\n".encode("cp1252"))
    for result in (trained(path)[0], refused(path)):
        (problem,) = result
        assert "bytes that are not utf-8: the header has 'text,Gr\\xf6\\xdfe'" in problem
        assert "encoding=cp1252, which reads 'text,Größe'" in problem
    assert trained(path, encoding="cp1252") == ([], 1)


@pytest.mark.parametrize(
    ("member", "shown"),
    [
        (b'"\\ud83d": 1', "1"),
        (b'"n": -' + b"9" * 5000, "-" + "9" * 5000),
        (b'"n": {"deep": [' + b"9" * 5000 + b"]}", '{"deep": [' + "9" * 5000 + "]}"),
        (b'"n": "a\0b"', "a\0b"),
    ],
    ids=["half a pair in a key", "thousands of digits", "thousands of digits within", "NUL"],
)
def test_what_other_members_of_json_hold_stops_nothing(member: bytes, shown: str, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"text": "a", ' + member + b"}\n")
    assert trained(path) == ([], 1)
    for ending in ("csv", "jsonl", "parquet"):
        assert predict(job(path, tmp_path / f"out.{ending}")).broken == 0
    (row,) = read(tmp_path / "out.parquet")
    assert list(row)[1] in ("n", "\\ud83d")
    assert list(row.values())[1] == shown


def test_nul_in_another_column_stops_nothing(tmp_path: Path) -> None:
    path = table(tmp_path / "in.csv", "csv", b"a\0b,fine")
    assert trained(path) == ([], 3)
    assert predict(job(path, tmp_path / "out.jsonl")).broken == 0
    assert read(tmp_path / "out.jsonl")[1]["id"] == "a\0b"


def test_half_a_surrogate_pair_in_another_column_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "a", "user": "x\\ud83d", "tags": ["\\ud83d"]}\n')
    assert trained(path) == ([], 1)
    for ending in ("csv", "jsonl", "parquet"):
        assert predict(job(path, tmp_path / f"out.{ending}")).broken == 0
    assert read(tmp_path / "out.csv")[0]["user"] == read(tmp_path / "out.parquet")[0]["user"] == "x\\ud83d"


def test_numbers_of_json_are_labels_as_before_and_keep_their_spelling_in_prediction(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "a", "n": 1.10}\n')
    table_of = read_table(path, Dialect(), Problems())
    assert table_of is not None
    assert table_of.columns["n"] == [1.1]
    predict(job(path, tmp_path / "out.csv"))
    assert read(tmp_path / "out.csv")[0]["n"] == "1.10"


def test_keys_that_come_late_are_missing_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polarity.data.table._READ", 2)
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ({"a": 1}, {"a": 2}, {"b": 3}, {"a": 4}, {"b": 5})))
    result = read_table(path, Dialect(), Problems())
    assert result is not None
    assert result.columns == {"a": [1, 2, None, 4, None], "b": [None, None, 3, None, 5]}
    assert result.where[4] == "row 5 (line 5)"


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_parts_of_any_size_make_the_same_table(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"in.{ending}.gz"
    cells = [f"text {n}\n{'x' * n}" for n in range(7)]
    if ending == "parquet":
        pq.write_table(pa.table({"text": cells}), tmp_path / "plain")
        path.write_bytes(gzip.compress((tmp_path / "plain").read_bytes()))
    else:
        lines = [json.dumps({"text": cell}) if ending == "jsonl" else f'"{cell}"' for cell in cells]
        path.write_bytes(gzip.compress("\n".join([*([] if ending == "jsonl" else ["text"]), *lines]).encode()))
    kind = file_format(path)
    assert kind is not None
    for size in (1, 3, 100):
        with open_reader(path.name, open_bytes(path), kind, Dialect()) as reader:
            chunks = list(reader.chunks(size))
        assert [len(chunk) for chunk in chunks] == [min(size, 7 - first) for first in range(0, 7, size)]
        assert [cell for chunk in chunks for cell in chunk.column("text")] == cells
        assert all(place.startswith(f"row {n + 1}") for n, place in enumerate(p for c in chunks for p in c.where))


def test_every_extension_is_a_format_also_compressed() -> None:
    assert {file_format(Path(f"a{ending.upper()}.gz")) for ending in FORMATS} == {"csv", "tsv", "jsonl", "parquet"}
    assert file_format(Path("a.gz")) is None


def test_a_refusal_reads_on_from_its_place() -> None:
    refusal = Refusal("too many cells", "has 5", "quote it")
    assert refusal.at("row 3 (line 4)") == "row 3 (line 4) has 5: too many cells"
    assert Refusal("is empty").at("row 1") == "row 1: is empty"
    problems = Problems()
    problems.refuse("a.csv", "row 3 (line 4)", refusal, "or not")
    assert problems.lines() == ["a.csv: too many cells: row 3 (line 4) has 5; quote it; or not"]


def test_a_key_that_occurs_twice_within_a_value_costs_no_row(tmp_path: Path) -> None:
    path = table(tmp_path / "in.jsonl", "jsonl", b'{"id": "b", "text": "x", "about": {"lang": "bn", "lang": "hi"}}')
    assert trained(path) == ([], 3)
    assert predict(job(path, tmp_path / "out.jsonl")).rows == 3


def test_readers_that_are_open_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    """The longest cell is a global of the csv module."""
    first, second = (
        open_reader(path.name, path.open("rb"), "csv", Dialect())
        for path in (table(tmp_path / "a.csv", "csv"), table(tmp_path / "b.csv", "csv", b'b,"' + b"x" * 200_000 + b'"'))
    )
    first.close()
    chunks = list(second.chunks(10))
    second.close()
    assert [refusal for chunk in chunks for refusal in chunk.refusals] == [None] * 3
    assert csv.field_size_limit() == 131_072


SINGLE = {"utf-8": b"\xff", "cp1252": b"\x81", "gb18030": b"\xff"}
SHIFTING = {"utf-16-le": b"\x00\xd8", "utf-7": b"+\xff", "hz": b"~x", "iso2022_jp": b"\x1b$B\xff"}


@pytest.mark.parametrize("encoding", [*SINGLE, *SHIFTING])
def test_other_bytes_cost_their_row_unless_they_decide_how_the_next_are_read(encoding: str, tmp_path: Path) -> None:
    lines = [line.encode(encoding) for line in ("text,label\n", "one,1\n", "two,2\n")]
    other = (SINGLE | SHIFTING)[encoding] + ",3\n".encode(encoding)
    (tmp_path / "in.csv").write_bytes(b"".join([*lines, other, "four,4\n".encode(encoding)]))
    problems, rows = trained(tmp_path / "in.csv", encoding=encoding)
    assert rows == (0 if encoding in SHIFTING else 3)
    assert f"not {encoding}" in problems[0]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_file_that_is_not_of_a_wide_encoding_is_told_and_closed(kind: str, encoding: str, tmp_path: Path) -> None:
    before = csv.field_size_limit()
    problems, rows = trained(table(tmp_path / f"in.{kind}", kind), encoding=encoding)
    assert csv.field_size_limit() == before
    assert rows == 0
    assert f"is UTF-8, but data.encoding={encoding}; give data.encoding=utf-8" in problems[0]
