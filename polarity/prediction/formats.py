"""Which format an input or output has, by its ending or by name, and the source or sink that goes with it."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Literal

import pyarrow as pa

from polarity.data.readers.dialect import FORMATS, Dialect, extension, file_format
from polarity.errors import nearest
from polarity.prediction.delimited import DelimitedSource
from polarity.prediction.jsonlines import JsonSource
from polarity.prediction.lines import Lines
from polarity.prediction.parquet import ParquetSource
from polarity.prediction.sink import DelimitedSink, JsonSink, ParquetSink, Sink
from polarity.prediction.source import Source
from polarity.prediction.streams import Input

Format = Literal["csv", "tsv", "jsonl", "parquet"]
DELIMITERS: dict[str, str] = {"csv": ",", "tsv": "\t"}


def format_of(setting: str, path: Path | None, named: Format | None, problems: list[str]) -> Format | None:
    """The format; None (and a problem) if nothing tells it.

    :param setting: ``input`` or ``output``.
    :param path: None for a standard stream.
    """
    if named is not None:
        return named
    if path is None:
        problems.append(f"{setting}_format: has to be given for {setting}=-, as {setting}_format=csv")
        return None
    known = file_format(path)
    if known is None:
        hint = nearest(extension(path) or "no ending", FORMATS, what="known endings")
        problems.append(f"{setting}: the ending of {path.name} does not tell a format; give {setting}_format{hint}")
        return None
    return "tsv" if known == "csv" and extension(path) != ".csv" else known


def open_source(source: Input, kind: Format, dialect: Dialect, columns: list[str] | None) -> Source:
    """Begin to read an input.

    :param columns: the keys of JSON objects that become columns, see :class:`JsonSource`.
    """
    stream = source.open()
    if kind == "parquet":
        return ParquetSource(source.name, stream)
    if kind == "jsonl":
        return JsonSource(source.name, Lines(source.name, stream, dialect.encoding, "\n"), columns)
    lines = Lines(source.name, stream, dialect.encoding, "")
    return DelimitedSource(source.name, lines, dialect, DELIMITERS[kind])


def open_sink(
    stream: BinaryIO,
    kind: Format,
    fields: Sequence[pa.Field],
    added: Sequence[pa.Field],
    delimiter: str | None,
    *,
    spreadsheet: bool = False,
) -> Sink:
    """Begin to write an output.

    :param fields: the columns of the input.
    :param delimiter: between cells; None for that of the format.
    :param spreadsheet: whether text cells are kept from being read as formulas.
    """
    if kind == "parquet":
        return ParquetSink(stream, fields, added)
    if kind == "jsonl":
        return JsonSink(stream, added)
    return DelimitedSink(
        stream, [field.name for field in fields], added, delimiter or DELIMITERS[kind], spreadsheet=spreadsheet
    )
