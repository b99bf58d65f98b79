"""Formats by extension, and the reader or writer that goes with each."""

import codecs
import gzip
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO, Literal, cast

import pyarrow as pa

from polarity.errors import UserError
from polarity.tables.delimited import DelimitedReader
from polarity.tables.dialect import Dialect
from polarity.tables.jsonlines import JsonReader
from polarity.tables.lines import Lines
from polarity.tables.parquet import ParquetReader
from polarity.tables.reader import TableReader
from polarity.tables.writers import DelimitedWriter, JsonWriter, ParquetWriter, Writer

Format = Literal["csv", "tsv", "jsonl", "parquet"]

FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
ARCHIVES = (".zip", ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz", ".zst")
_DELIMITERS: dict[str, str] = {"csv": ",", "tsv": "\t"}
USED: dict[Format, tuple[str, ...]] = {
    "csv": ("encoding", "delimiter", "quote", "header"),
    "tsv": ("encoding", "delimiter", "quote", "header"),
    "jsonl": ("encoding",),
    "parquet": (),
}
"""The settings of a dialect that each format has a use for."""


def file_format(path: Path) -> Format | None:
    """The format by extension; None if it is not known."""
    return FORMATS.get(_extension(path))


def unknown_format(path: Path) -> str:
    """Why the format of a file is not known."""
    known = f"known: {', '.join(FORMATS)}, the texts also as .gz"
    if _extension(path) in ARCHIVES:
        return f"is an archive of files; unpack it ({known})"
    close = get_close_matches(_extension(path), FORMATS, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"the extension {_extension(path)!r} does not tell a format{hint} ({known})"


def _extension(path: Path) -> str:
    """The extension that tells the format, without ``.gz``."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix == ".gz" else suffix


def unused_dialect(dialect: Dialect, files: Sequence[Path]) -> list[str]:
    """A problem for each setting of text files that would be ignored, because of the formats of the files."""
    formats = {file_format(file) for file in files}
    if not files or None in formats:  # a folder, or an extension that reading will report
        return []
    default = Dialect()
    names = "/".join(sorted(map(str, formats)))
    changed = [name for name in ("delimiter", "quote", "header") if getattr(dialect, name) != getattr(default, name)]
    changed += [] if codecs.lookup(dialect.encoding).name == "utf-8" else ["encoding"]
    used = {name for kind in formats if kind is not None for name in USED[kind]}
    return [f"{name}: has no effect on {names} files" for name in changed if name not in used]


def open_bytes(path: Path) -> BinaryIO:
    """The bytes of a file from the beginning, decompressed.

    :raises UserError: if it cannot be read.
    """
    try:
        return cast("BinaryIO", gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


def open_reader(
    name: str, stream: BinaryIO, kind: Format, dialect: Dialect, columns: Sequence[str] | None = None
) -> TableReader:
    """Begin to read a table, whose stream closing the reader closes.

    :param name: of the table, the beginning of each problem.
    :param stream: its bytes, decompressed; for Parquet, which is read from its end, a file.
    :param columns: the keys of JSON objects that become columns, see :class:`JsonReader`.
    :raises UserError: if it cannot be read at all.
    """
    if kind == "parquet":
        return ParquetReader(name, stream)
    lines = Lines(name, stream, dialect, newline="\n" if kind == "jsonl" else "")
    if kind == "jsonl":
        return JsonReader(name, lines, columns)
    return DelimitedReader(name, lines, dialect, _DELIMITERS[kind])


def open_writer(
    stream: BinaryIO,
    kind: Format,
    fields: Sequence[pa.Field],
    added: Sequence[pa.Field],
    delimiter: str | None,
    *,
    spreadsheet: bool = False,
) -> Writer:
    """Begin to write a table.

    :param fields: the columns of the input.
    :param delimiter: between cells; None for that of the format.
    :param spreadsheet: whether text cells are kept from being read as formulas.
    """
    if kind == "parquet":
        return ParquetWriter(stream, fields, added)
    if kind == "jsonl":
        return JsonWriter(stream, added)
    names = [field.name for field in fields]
    return DelimitedWriter(stream, names, added, delimiter or _DELIMITERS[kind], spreadsheet=spreadsheet)
