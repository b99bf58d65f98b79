"""A broken row stops the job with all that is wrong, or is kept with a message; it never changes another row."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polarity.data.files import FileCorpus
from polarity.data.leakage import Leakage
from polarity.errors import UserError
from tests.prediction.jobs import job, predict, read, write

GOOD = ["first", "second", "third"]
BROKEN = {
    "csv": {
        b"": None,  # a blank line is no row
        b"b,": "column 'text' is empty",
        b"b,\xe2\x80\x8b ": "column 'text' is empty",
        b"b": "too few cells for the 2 columns",
        b"b,x,surplus,more": 'left out: ["surplus", "more"]',
        b'b,"x" y': "has text after a closing quote",
        b'b,"never closed': "opens a quote that is not closed",
        b"b,caf\xe9": "holds bytes that are not utf-8",
        b"b,a\0b": "holds NUL",
        b"b,?": "is a question",
    },
    "jsonl": {
        b"   ": None,
        b'{"id": "b"': "is not JSON",
        b"[1]": "is not a JSON object",
        b"null": "is not a JSON object",
        b'{"id": "b"}': "column 'text' is empty",
        b'{"id": "b", "text": null}': "column 'text' is empty",
        b'{"id": "b", "text": 5}': "column 'text' holds no text",
        b'{"id": "b", "text": "x", "text": "y"}': "the key 'text' occurs twice in one object",
        b'{"id": "b", "text": "\\ud83d"}': "is not valid Unicode",
        b'{"id": "b", "text": "caf\xe9"}': "holds bytes that are not utf-8",
        b'{"id": "b", "text": "?"}': "is a question",
    },
}
CASES = [(kind, line) for kind, lines in BROKEN.items() for line in lines]


def source(folder: Path, kind: str, *broken: bytes) -> Path:
    """Good rows with broken ones between them."""
    lines = [f"g,{text}".encode() if kind == "csv" else f'{{"id": "g", "text": "{text}"}}'.encode() for text in GOOD]
    between = [lines[0], *broken, lines[1], *reversed(broken), lines[2]]
    path = folder / f"in.{kind}"
    path.write_bytes(b"\n".join([*([b"id,text"] if kind == "csv" else []), *between]) + b"\n")
    return path


@pytest.mark.parametrize("written", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(("kind", "line"), CASES)
def test_a_broken_row_is_kept_with_a_message(kind: str, line: bytes, written: str, tmp_path: Path) -> None:
    reason = BROKEN[kind][line]
    outcome = predict(job(source(tmp_path, kind, line), tmp_path / f"out.{written}", keep=True))
    rows = read(tmp_path / f"out.{written}")
    assert (outcome.rows, outcome.broken) == ((3, 0) if reason is None else (5, 2))
    good = [row for row in rows if not row["error"]]
    assert [row["text"] for row in good] == GOOD
    assert all(row["tone.pred"] for row in good)
    for row in rows:
        if row["error"]:
            assert reason is not None
            assert reason in row["error"]
            assert row["error"].startswith("row ")
            assert not any(value for name, value in row.items() if name.startswith(("tone.", "topic.")))


@pytest.mark.parametrize(("kind", "line"), CASES)
def test_a_broken_row_stops_the_job(kind: str, line: bytes, tmp_path: Path) -> None:
    reason, made = BROKEN[kind][line], job(source(tmp_path, kind, line), tmp_path / "out.csv")
    if reason is None:
        assert predict(made).rows == 3
        return
    with pytest.raises(UserError) as refused:
        predict(made)
    (problem,) = refused.value.problems
    assert reason in problem
    start = 3 if kind == "csv" else 2
    assert f"row 2 (line {start})" in problem
    assert [path.name for path in tmp_path.iterdir()] == [f"in.{kind}"], "nothing was written"


@pytest.mark.parametrize("kind", BROKEN)
def test_all_that_is_wrong_is_reported_at_once(kind: str, tmp_path: Path) -> None:
    lines = [line for line, reason in BROKEN[kind].items() if reason not in (None, "is a question")]
    with pytest.raises(UserError) as refused:
        predict(job(source(tmp_path, kind, *lines), tmp_path / "out.csv"))
    problems = "\n".join(refused.value.problems)
    assert all(str(BROKEN[kind][line]) in problems for line in lines)


def test_what_stood_in_a_broken_row_is_not_lost(tmp_path: Path) -> None:
    path = source(tmp_path, "csv", b'b,"x" y, z', b"b,caf\xe9")
    predict(job(path, tmp_path / "out.csv", keep=True))
    rows = read(tmp_path / "out.csv")
    assert rows[1]["id"] == 'b,"x" y, z'
    assert rows[2]["text"] == "caf\\xe9"


def test_a_quote_that_is_never_closed_swallows_no_rows(tmp_path: Path) -> None:
    lines = ["text", '"open', *(f"row {number}" for number in range(2000)), '"two\nlines"']
    (tmp_path / "in.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    outcome = predict(job(tmp_path / "in.csv", tmp_path / "out.csv", keep=True, chunk_rows=500))
    assert (outcome.rows, outcome.broken) == (2002, 1)
    rows = read(tmp_path / "out.csv")
    assert rows[0]["error"] == "row 1 (line 2): opens a quote that is not closed where a cell ends"
    assert rows[-1]["text"] == "two\nlines"


def test_parquet_rows_without_text(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a", None, " ", "b"], "n": [1, 2, 3, 4]}), tmp_path / "in.parquet")
    predict(job(tmp_path / "in.parquet", tmp_path / "out.parquet", keep=True))
    assert [row["error"] is None for row in read(tmp_path / "out.parquet")] == [True, False, False, True]
    with pytest.raises(UserError, match="row 2, row 3"):
        predict(job(tmp_path / "in.parquet", tmp_path / "stopped.parquet"))
    made = job(tmp_path / "in.parquet", tmp_path / "numbers.parquet", keep=True, text="n")
    assert predict(made).broken == 4


def test_a_broken_context_is_reported(tmp_path: Path) -> None:
    lines = [
        '{"text": "a", "title": "t"}',
        '{"text": "b", "title": null}',
        '{"text": "c", "title": 5}',
        '{"text": "d"}',
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    predict(job(tmp_path / "in.jsonl", tmp_path / "out.jsonl", keep=True, context="title"))
    errors = [row["error"] for row in read(tmp_path / "out.jsonl")]
    assert [error is None for error in errors] == [True, True, False, True], "a context may be missing"
    assert "row 3 (line 3) is 5 (int): column 'title' holds no text" in errors[2]


def damaged(folder: Path, kind: str) -> tuple[Path, str]:
    path = folder / f"in.{kind}"
    if kind == "parquet":
        pq.write_table(pa.table({"text": ["a" * 500] * 5000}), path)
        path.write_bytes(path.read_bytes()[:-20])
        return path, "truncated or not a Parquet file"
    if kind == "csv.gz":
        import gzip

        path.write_bytes(gzip.compress(b"text\n" + b"".join(b"%d\n" % number for number in range(50_000)))[:-2000])
        return path, "breaks off after line"
    content = {"csv": b"", "tsv": b"\n\n", "jsonl": b'[\n{"text": "a"}]\n'}[kind]
    path.write_bytes(content)
    return path, {"csv": "is empty", "tsv": "nothing but blank lines", "jsonl": "one JSON document"}[kind]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("kind", ["parquet", "csv.gz", "csv", "tsv", "jsonl"])
def test_a_damaged_file_stops_the_job_always(kind: str, keep: bool, tmp_path: Path) -> None:
    path, reason = damaged(tmp_path, kind)
    with pytest.raises(UserError, match=reason) as refused:
        predict(job(path, tmp_path / "out.csv", keep=keep))
    assert str(path) in str(refused.value)
    assert list(tmp_path.iterdir()) == [path], "nothing was written"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04rest", "Excel workbook"),
        ("text\nä\n".encode("utf-16"), "give encoding=utf-16"),
        (b"PAR1....", "Parquet"),
        (b"\x1f\x8b....", "add .gz to its name, or unpack it"),
    ],
)
def test_a_file_of_another_kind_is_named(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(content)
    with pytest.raises(UserError, match=reason):
        predict(job(tmp_path / "in.csv", tmp_path / "out.csv"))


def test_columns_that_are_missing_or_clash_are_reported_together(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("txt,tone.pred,error\na,b,c\n", encoding="utf-8")
    (tmp_path / "in.jsonl").write_text('{"txt": "a", "tone.pred": "b", "error": "c"}\n', encoding="utf-8")
    for kind, written in (("csv", "csv"), ("csv", "jsonl"), ("jsonl", "csv")):
        with pytest.raises(UserError) as refused:
            predict(job(tmp_path / f"in.{kind}", tmp_path / f"out.{written}", keep=True))
        problems = refused.value.problems
        assert len(problems) == 3
        assert "did you mean 'txt'?" in "".join(problems)
        assert all(any(name in line for line in problems) for name in ("'tone.pred'", "'error'"))
    with pytest.raises(UserError, match=r"has a column 'tone.pred' already.*prefix"):
        predict(job(tmp_path / "in.jsonl", tmp_path / "out.jsonl", text="txt"))
    outcome: Any = predict(job(tmp_path / "in.csv", tmp_path / "out.csv", keep=True, text="txt"), prefix="model.")
    assert outcome.rows == 1
    assert list(read(tmp_path / "out.csv")[0])[:4] == ["txt", "tone.pred", "error", "model.tone.pred"]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_settings_that_a_format_does_not_have_are_not_advised(kind: str, tmp_path: Path) -> None:
    for names, setting in ((["1;2"], "delimiter"), (["1", "2"], "header")):
        path = write(tmp_path / f"{setting}.{kind}", [dict.fromkeys(names, "a")])
        with pytest.raises(UserError) as asked:
            predict(job(path, tmp_path / "out.csv"))
        corpus = FileCorpus(path=str(path), text="text", tasks={"tone": ["a", "b"]}, leakage=Leakage())
        with pytest.raises(UserError) as trained:
            corpus.load()
        assert (f"{setting}=" in str(asked.value)) == (kind == "csv"), asked.value
        assert (f"data.{setting}=" in str(trained.value)) == (kind == "csv"), trained.value


def test_a_delimiter_that_was_not_given_is_guessed_in_the_message(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id;text\n1;a\n", encoding="utf-8")
    with pytest.raises(UserError, match="if ';' separates the cells, give 'delimiter=\";\"'"):
        predict(job(tmp_path / "in.csv", tmp_path / "out.csv"))
