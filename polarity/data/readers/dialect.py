"""Formats by extension, and the settings of text files."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from polarity.errors import nearest

Format = Literal["csv", "jsonl", "parquet"]

FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}


@dataclass(frozen=True)
class Dialect:
    """How text files are to be read.

    :param delimiter: between cells; None: by extension.
    :param quote: around cells; None: a quote is an ordinary character.
    """

    encoding: str = "utf-8"
    delimiter: str | None = None
    quote: str | None = '"'


def extension(path: Path) -> str:
    """The extension that tells the format, without ``.gz``."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix == ".gz" else suffix


def file_format(path: Path) -> Format | None:
    """The format by extension; None if it is not known."""
    return FORMATS.get(extension(path))


def dialect_problems(dialect: Dialect) -> list[str]:
    """What is wrong with the settings of text files."""
    problems = []
    for name, character in (("delimiter", dialect.delimiter), ("quote", dialect.quote)):
        if character is not None and (len(character) != 1 or character in "\r\n"):
            problems.append(f"{name}: must be one character, got {character!r}")
    if dialect.quote is not None and dialect.quote == dialect.delimiter:
        problems.append(f"quote: is the same character as the delimiter, {dialect.quote!r}")
    try:
        text = codecs.lookup(dialect.encoding)._is_text_encoding  # noqa: SLF001 - there is no public way to ask
    except (LookupError, ValueError):
        text = False
    if not text:
        usual = ["utf-8", "utf-16", "cp1252", "latin-1", "cp1250", "cp1251", "gb18030", "shift_jis", "euc_kr", "big5"]
        hint = nearest(dialect.encoding, usual, what="for instance")
        problems.append(f"encoding: no encoding is called {dialect.encoding!r}{hint}")
    return problems


def unused_dialect(dialect: Dialect, files: Sequence[Path]) -> list[str]:
    """A problem for each setting of text files that would be ignored, because of the formats of the files."""
    formats = {file_format(file) for file in files}
    if not files or None in formats:  # a folder, or an extension that reading will report
        return []
    default = Dialect()
    problems = []
    if "csv" not in formats:
        problems += [
            f"{name}: has no effect on {'/'.join(sorted(map(str, formats)))} files"
            for name in ("delimiter", "quote")
            if getattr(dialect, name) != getattr(default, name)
        ]
    if formats == {"parquet"} and codecs.lookup(dialect.encoding).name != "utf-8":
        problems.append("encoding: has no effect on parquet files")
    return problems
