"""Readers of files: bytes in, a table of raw cells out. What is wrong goes to the list of problems; nothing is raised.

======================================  =======================================================
``.csv``, ``.tsv`` (``.tab``)           ``delimited``: the standard library's parser, in its strict mode
``.jsonl``, ``.ndjson``, ``.json``      ``jsonlines``: one object a line
``.parquet``, ``.pq``                   ``parquet``
======================================  =======================================================

Text formats may be compressed (``.csv.gz``).
"""

from pathlib import Path

from polarity.data.problems import Problems
from polarity.data.readers.content import decode, read_bytes
from polarity.data.readers.delimited import read_delimited
from polarity.data.readers.dialect import FORMATS, Dialect, extension, file_format
from polarity.data.readers.jsonlines import read_jsonlines
from polarity.data.readers.parquet import read_parquet
from polarity.data.table import Table
from polarity.errors import nearest


def read_table(path: Path, dialect: Dialect, problems: Problems) -> Table | None:
    """The file as a table; None if nothing can be made of it."""
    known = file_format(path)
    if known is None:
        hint = nearest(extension(path) or "no extension", FORMATS, what="known extensions")
        problems.add(f"{path}: the extension {extension(path)!r} does not tell a format{hint}")
        return None
    content = read_bytes(path, problems)
    if content is None:
        return None
    if known == "parquet":
        return read_parquet(str(path), content, problems)
    text = decode(str(path), content, dialect.encoding, problems)
    if text is None:
        return None
    if known == "jsonl":
        table = read_jsonlines(str(path), text, problems)
    else:
        table = read_delimited(str(path), text, dialect, "," if extension(path) == ".csv" else "\t", problems)
    if table is not None:
        table.mangled = "\ufffd" in text
    return table
