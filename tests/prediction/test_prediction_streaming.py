"""Memory does not grow with the file; outputs appear whole or not at all; pipes work."""

import io
import os
import sys
import threading
import tracemalloc
import weakref
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.prediction.streams import Input, Output
from polarity.tables.chunk import Chunk
from tests.prediction.jobs import Lengths, added_columns, job, predict, read, write

PLAIN = ("csv", "jsonl", "parquet")


def rows_of(count: int) -> list[dict[str, str]]:
    return [{"id": f"{number:08}", "text": f"text {number} " + "x" * 200} for number in range(count)]


@pytest.mark.parametrize("written", PLAIN)
@pytest.mark.parametrize("given", PLAIN)
def test_no_more_than_two_parts_are_held(
    given: str, written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: Any = weakref.WeakSet()
    held: list[int] = []
    original = Chunk.__init__

    def counted(self: Chunk, *arguments: Any) -> None:
        original(self, *arguments)
        alive.add(self)
        held.append(sum(len(chunk) for chunk in alive))

    monkeypatch.setattr(Chunk, "__init__", counted)
    write(tmp_path / f"in.{given}", rows_of(1000))
    outcome = predict(job(tmp_path / f"in.{given}", tmp_path / f"out.{written}", chunk_rows=20))
    assert outcome.rows == 1000
    assert max(held) <= 40, "the part that was written and the one that is read"


class Constant(Lengths):
    def logits(self, rows: Rows) -> tuple[list[np.ndarray], np.ndarray, dict[int, str]]:
        return [np.zeros((len(rows), 3)), np.zeros((len(rows), 2))], np.arange(len(rows)), {}


@pytest.mark.parametrize("kind", ["csv", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("jsonl", "csv.gz"))])
def test_the_peak_of_memory_is_that_of_a_short_file(kind: str, tmp_path: Path) -> None:
    peaks = []
    for count in (500, 500, 5_000):  # the first also imports and fills caches
        write(tmp_path / f"in-{len(peaks)}.{kind}", rows_of(count))
        tracemalloc.start()
        predict(
            job(tmp_path / f"in-{len(peaks)}.{kind}", tmp_path / f"out-{len(peaks)}.{kind}", chunk_rows=100), Constant()
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.3 * peaks[1], peaks


def test_rows_go_to_the_model_in_parts(tmp_path: Path) -> None:
    classifier = Lengths()
    predict(job(write(tmp_path / "in.csv", rows_of(10)), tmp_path / "out.csv", chunk_rows=4), classifier)
    assert classifier.sizes == [4, 4, 2]


class Failing(Lengths):
    def logits(self, rows: Rows) -> Any:
        if self.sizes:
            raise RuntimeError("out of memory")
        return super().logits(rows)


@pytest.mark.parametrize("written", ["csv", "jsonl", "parquet", "csv.gz"])
def test_a_job_that_fails_leaves_the_output_as_it_was(written: str, tmp_path: Path) -> None:
    source, output = write(tmp_path / "in.csv", rows_of(10)), tmp_path / f"out.{written}"
    with pytest.raises(RuntimeError):
        predict(job(source, output), Failing())
    assert list(tmp_path.iterdir()) == [source]
    output.write_text("old")
    made = job(source, output)
    made.output.overwrite = True
    with pytest.raises(RuntimeError):
        predict(made, Failing())
    assert output.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    predict(made)
    assert len(read(output)) == 10


def test_the_output_is_not_there_before_it_is_whole(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    seen: list[bool] = []
    made, added = job(write(tmp_path / "in.csv", rows_of(10)), output), added_columns()
    made.run(Lengths(), added, None, lambda _: seen.append(output.exists()))
    assert seen == [False] * 4
    assert output.exists()


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_appears_meanwhile_is_replaced_only_with_overwrite(overwrite: bool, tmp_path: Path) -> None:
    source, output = write(tmp_path / "in.csv", rows_of(10)), tmp_path / "out.csv"
    made = job(source, output)
    made.output.overwrite = overwrite
    with nullcontext() if overwrite else pytest.raises(FileExistsError, match="has appeared meanwhile"):
        made.run(Lengths(), added_columns(), None, lambda _: output.write_text("another's") and None)
    assert (output.read_text() == "another's") is not overwrite
    (whole,) = (path for path in tmp_path.glob("out*.csv") if overwrite or path != output)
    assert len(read(whole)) == 10
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "out.csv", whole.name}


def test_an_output_that_cannot_be_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", rows_of(1))
    made = job(source, tmp_path / "out.csv")
    (tmp_path / "there.csv").touch()
    for name, reason in (
        ("in.csv", "is the input itself"),
        ("there.csv", "overwrite=true"),
        ("no/out.csv", "no folder"),
    ):
        (problem,) = Output(str(tmp_path / name), overwrite=False).problems(made.source)
        assert reason in problem
    (problem,) = Output(str(tmp_path), overwrite=True).problems(made.source)
    assert "is a folder" in problem
    assert Output(str(tmp_path / "there.csv"), overwrite=True).problems(made.source) == []
    (tmp_path / "link.csv").symlink_to("in.csv")
    assert "is the input itself" in Output(str(tmp_path / "link.csv"), overwrite=True).problems(made.source)[0]


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real.csv").touch()
    (tmp_path / "link.csv").symlink_to("real.csv")
    made = job(write(tmp_path / "in.csv", rows_of(2)), tmp_path / "link.csv")
    made.output.overwrite = True
    predict(made)
    assert (tmp_path / "link.csv").is_symlink()
    assert len(read(tmp_path / "real.csv")) == 2


@pytest.mark.parametrize("written", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("given", ["csv", "jsonl", "parquet"])
def test_standard_streams(given: str, written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = write(tmp_path / f"in.{given}", rows_of(7)).read_bytes()
    taken = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(taken))
    outcome = predict(job("-", "-", input_format=given, output_format=written))
    assert outcome.rows == 7
    (tmp_path / f"taken.{written}").write_bytes(taken.getvalue())
    assert [row["id"] for row in read(tmp_path / f"taken.{written}")] == [row["id"] for row in rows_of(7)]


def test_a_stream_that_breaks_gives_no_parquet_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'text\na\n"b" c\n')))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(taken))
    with pytest.raises(UserError, match="standard input: has text after a closing quote"):
        predict(job("-", "-", input_format="csv", output_format="parquet", chunk_rows=1))
    assert taken.getvalue() == b""


@pytest.mark.parametrize("written", ["csv", "parquet"])
def test_named_pipes(written: str, tmp_path: Path) -> None:
    content = write(tmp_path / "in.jsonl", rows_of(5)).read_bytes()
    os.mkfifo(tmp_path / "pipe")
    thread = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[content])
    thread.start()
    outcome = predict(job(tmp_path / "pipe", tmp_path / f"out.{written}", input_format="jsonl"))
    thread.join()
    assert outcome.rows == len(read(tmp_path / f"out.{written}")) == 5


@pytest.mark.parametrize(("closed", "name"), [("stdin", "input"), ("stdout", "output")])
def test_a_stream_that_is_closed_is_told(closed: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``<&-`` and ``>&-`` close them; Python then has none."""
    monkeypatch.setattr(sys, closed, None)
    problems = Input("-").problems() + Output("-", overwrite=False).problems(Input("-"))
    assert len(problems) == 1
    assert problems[0].startswith(f"{name}: standard {name} is closed")
