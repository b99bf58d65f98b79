"""Texts that no model can read are refused alike by training and prediction; other columns never stop a run."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polarity.data.files import FileCorpus
from polarity.data.leakage import Leakage
from polarity.data.rows import Rows
from polarity.data.splitting import Split
from polarity.errors import UserError
from polarity.prediction.checks import checked_rows
from polarity.tables.arrow import python_cells
from polarity.tables.dialect import Dialect
from polarity.tables.formats import open_bytes, open_reader
from tests.prediction.jobs import job, predict

ROWS = 40
CENTURIES = 9 * 10**18
WILD = {
    "year 300000": pa.array([CENTURIES] * ROWS, pa.timestamp("us")),
    "before all years": pa.array([-CENTURIES] * ROWS, pa.timestamp("us")),
    "no such zone": pa.array([0] * ROWS, pa.timestamp("ms", tz="Nowhere/Town")),
    "day beyond": pa.array([2**31 - 1] * ROWS, pa.date32()),
    "duration": pa.array([-(2**62)] * ROWS, pa.duration("s")),
    "short duration": pa.array([timedelta(days=-1)] * ROWS),
    "decimal": pa.array([Decimal("9" * 70)] * ROWS, pa.decimal256(76, 3)),
    "nested": pa.array([[{"a": [CENTURIES]}]] * ROWS, pa.list_(pa.struct([("a", pa.list_(pa.timestamp("us")))]))),
    "bytes": pa.array([b"\xff\x00"] * ROWS),
    "map": pa.array([[("a", 1)]] * ROWS, pa.map_(pa.string(), pa.int64())),
    "dictionary": pa.array(["x"] * ROWS).dictionary_encode(),
    "nothing": pa.nulls(ROWS),
    "not text": pa.Array.from_buffers(
        pa.string(),
        ROWS,
        [
            None,
            pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in range(ROWS + 1))),
            pa.py_buffer(b"\xff" * ROWS),
        ],
    ),
}


def corpus(path: Path) -> FileCorpus:
    """The file as training reads it."""
    return FileCorpus(
        path=str(path),
        text="text",
        tasks={"tone": ["pos", "neg"]},
        leakage=Leakage(),
        split=Split(near_duplicates_together=False),
    )


def texts() -> dict[str, list[str]]:
    """Texts and labels."""
    words = ["sun", "rain", "snow", "wind", "fog", "hail", "ice", "dew"]
    return {
        "text": [f"{words[n % 8]} {words[n // 8]} {n} at the coast" for n in range(ROWS)],
        "tone": ["pos" if n % 2 else "neg" for n in range(ROWS)],
    }


@pytest.mark.parametrize("name", WILD)
@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_column_without_a_part_never_stops_a_run(name: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({**texts(), "wild": WILD[name]}), path)
    assert sum(len(rows) for _, rows in corpus(path).load().items()) == ROWS
    assert predict(job(path, tmp_path / f"out.{ending}")).rows == ROWS


@pytest.mark.parametrize("text", ["a\0b", "a\ud83d"])
@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_training_and_prediction_refuse_the_same_texts(text: str, ending: str, tmp_path: Path) -> None:
    if ending == "parquet" and "\0" not in text:
        pytest.skip("Arrow holds no half surrogate pairs")
    path, rows = tmp_path / f"a.{ending}", texts()
    rows["text"][6] = text
    if ending == "parquet":
        pq.write_table(pa.table(rows), path)
    else:
        lines = [json.dumps(dict(zip(rows, row, strict=True))) for row in zip(*rows.values(), strict=True)]
        path.write_text("\n".join(lines) + "\n")
    said: list[Any] = []
    for attempt in (corpus(path).load, lambda: predict(job(path, tmp_path / "out.csv"))):
        with pytest.raises(UserError) as refused:
            attempt()
        said += refused.value.problems
    assert all("row 7" in problem and ("NUL" in problem or "surrogate" in problem) for problem in said), said


def no_utf8(kind: pa.DataType) -> pa.Array:
    """A text that is none, and others; whoever writes such files looks at nothing."""
    layout = pa.binary_view() if kind == pa.string_view() else pa.large_binary() if kind == pa.large_string() else None
    return pa.array([b"\xff\xfe", *(f"text {row}".encode() for row in range(1, ROWS))], layout or pa.binary()).view(
        kind
    )


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_bytes_that_are_declared_as_text_are_no_text(kind: pa.DataType, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": no_utf8(kind), "tone": texts()["tone"]}), path)
    for attempt in (corpus(path).load, lambda: predict(job(path, tmp_path / "out.csv"))):
        with pytest.raises(UserError, match=r"holds no text: row 1 is b'\\xff\\xfe' \(bytes\)"):
            attempt()


def test_what_python_cannot_hold_keeps_its_kind() -> None:
    column = no_utf8(pa.large_string())
    indices = pa.array(range(ROWS))
    assert python_cells(pa.DictionaryArray.from_arrays(indices, column))[:2] == [b"\xff\xfe", "text 1"]
    assert python_cells(pa.ExtensionArray.from_storage(pa.json_(pa.large_string()), column))[0] == b"\xff\xfe"
    (unknown, known) = python_cells(pa.ListArray.from_arrays([0, 1, 2], column))
    assert (type(unknown), known) == (list, ["text 1"])
    days = pa.array([CENTURIES], pa.timestamp("us"))
    (year,) = python_cells(pa.RunEndEncodedArray.from_arrays([1], days))
    assert str(CENTURIES) in year


def test_training_and_prediction_read_the_same_in_further_columns(tmp_path: Path) -> None:
    cells = ["7 ", "\u200b", " ", None, "Zoe\u0308", True, 3.0, "\ud83d", *["x"] * (ROWS - 8)]
    lines = [
        json.dumps({"text": text, "tone": tone, "more": cell})
        for text, tone, cell in zip(*texts().values(), cells, strict=True)
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(lines) + "\n")
    trained = Rows.joined([rows for _, rows in corpus(path).load().items()])
    with open_reader("a.jsonl", open_bytes(path), "jsonl", Dialect(), ["text", "more"]) as reader:
        (chunk,) = reader.chunks(ROWS)
    asked, refusals = checked_rows(chunk, "text", None, ["more"])
    assert refusals == [None] * ROWS
    assert asked.metadata["more"][:8] == ["7", "", "", "", "Zo\u00eb", "true", "3", "\\ud83d"]
    assert dict(zip(trained.text, trained.metadata["more"], strict=True)) == dict(
        zip(asked.text, asked.metadata["more"], strict=True)
    )
