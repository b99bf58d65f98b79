"""A text is found in whatever writes it, so that a test which finds none says something."""

import csv
import gzip
import html
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from torch.utils.tensorboard import SummaryWriter

from tests.readings import holding

TEXT = 'Geschäftsgeheimnis: "où est" <Müller> & Söhne\nwussten\tdavon, naïvement, depuis l\'été dernier'


def as_csv(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(["row", text])


def as_events(path: Path, text: str) -> None:
    with SummaryWriter(str(path)) as writer:
        writer.add_text("said", text)


def as_archive(path: Path, text: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("part.json", json.dumps({"said": text}))


def as_parquet(path: Path, text: str) -> None:
    pq.write_table(pa.table({"said": [text] * 3}), path, compression="zstd")


def as_metadata(path: Path, text: str) -> None:
    pq.write_table(pa.table({"n": [1]}).replace_schema_metadata({"said": text}), path)


WAYS: dict[str, Callable[[Path, str], object]] = {
    "json": lambda path, text: path.write_text(json.dumps({"said": text})),
    "yaml": lambda path, text: path.write_text(yaml.safe_dump({"said": text})),
    "folded yaml": lambda path, text: path.write_text(yaml.safe_dump({"said": text}, allow_unicode=True, width=30)),
    "html": lambda path, text: path.write_text(html.escape(text), encoding="utf-8"),
    "html, in ASCII": lambda path, text: path.write_bytes(html.escape(text).encode("ascii", "xmlcharrefreplace")),
    "json in html": lambda path, text: path.write_text(html.escape(json.dumps({"said": text}))),
    "marked words": lambda path, text: path.write_text(html.escape(text).replace(" ", "</b> <b>"), encoding="utf-8"),
    "csv": as_csv,
    "repr": lambda path, text: path.write_text(ascii(text)),
    "latin-1": lambda path, text: path.write_text(text, encoding="latin-1"),
    "utf-16": lambda path, text: path.write_text(text, encoding="utf-16"),
    "gzip": lambda path, text: path.write_bytes(gzip.compress(text.encode())),
    "zip": as_archive,
    "parquet": as_parquet,
    "metadata of parquet": as_metadata,
    "pickle": lambda path, text: path.write_bytes(pickle.dumps({"said": text})),
    "checkpoint": lambda path, text: torch.save({"said": text}, path),
    "events of TensorBoard": as_events,
    "a piece of it": lambda path, text: path.write_text(f"... {text[20:60]} ..."),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_text_is_found_however_it_is_written(way: str, tmp_path: Path) -> None:
    WAYS[way](tmp_path / "written", TEXT)
    assert len(holding(tmp_path, [TEXT])) == 1
    WAYS[way](tmp_path / "written", "other words that have nothing in common with the former")
    (tmp_path / "own").write_text("Geschäft")
    if way != "events of TensorBoard":  # which are written beside the former
        assert holding(tmp_path, [TEXT]) == set()
