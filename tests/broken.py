"""Files that are broken in one way each, and the corpus that has to say so."""

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from string import ascii_lowercase
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polarity.data.files import FileCorpus
from polarity.data.leakage import Leakage
from polarity.data.splitting import Split
from polarity.errors import UserError
from polarity.privacy import show_texts

CLASSES = ["none", "yes", "no", "1"]


def text(number: int) -> str:
    """A text unlike those of other numbers."""
    letters = Random(number)
    return " ".join("".join(letters.choices(ascii_lowercase, k=6)) for _ in range(8))


def rows(first: int = 0, count: int = 40) -> list[dict[str, Any]]:
    return [{"id": f"r{n}", "text": text(n), "stance": CLASSES[n % 4]} for n in range(first, first + count)]


def csv_of(table: list[dict[str, Any]], delimiter: str = ",") -> str:
    lines = [delimiter.join(table[0])]
    return "\n".join(lines + [delimiter.join(str(cell) for cell in row.values()) for row in table]) + "\n"


def jsonl_of(table: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in table)


def parquet_of(columns: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def replaced(number: int, table: list[dict[str, Any]] | None = None, **cells: Any) -> list[dict[str, Any]]:
    """The usual rows, with other cells in data row ``number`` (from 1)."""
    table = rows() if table is None else table
    table[number - 1] |= cells
    return table


@dataclass
class Case:
    """Files that are written, settings, and pieces that the message must hold."""

    name: str
    files: dict[str, str | bytes]
    says: list[str]
    settings: dict[str, Any] = field(default_factory=dict)


COLUMNS = {name: [row[name] for row in rows()] for name in rows()[0]}
THREE = {"path": None, "train": "train.csv", "val": "val.csv", "test": "test.csv"}
TRIPLE = {"train.csv": csv_of(rows()), "val.csv": csv_of(rows(40, 12)), "test.csv": csv_of(rows(60, 12))}


def load(settings: dict[str, Any]) -> Any:
    usual: dict[str, Any] = {"path": "data.csv", "text": "text", "tasks": {"stance": CLASSES}, "leakage": Leakage()}
    return FileCorpus(**usual | {"split": Split()} | settings).load()


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def assert_hidden(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether no word of a text stands in what is said of private data."""
    monkeypatch.chdir(folder)
    write(folder, case.files)
    show_texts(False)
    with pytest.raises(UserError) as caught:
        load(case.settings)
    words = {word for number in range(80) for word in text(number).split()} | {"amber", "birch", "noir"}
    assert [word for word in words if word in str(caught.value)] == []
