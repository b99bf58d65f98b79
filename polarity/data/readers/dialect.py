"""Formats by extension, and the settings of text files."""

import codecs
import re
from collections.abc import Collection, Sequence
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
    :param header: whether the first line names the columns; else they are called ``1``, ``2``, ...
    """

    encoding: str = "utf-8"
    delimiter: str | None = None
    quote: str | None = '"'
    header: bool = True


_PREAMBLE = re.compile(r"\"?sep=(.)\"?\r?\n?", re.IGNORECASE)
_LONG_NAME = 60


def preamble(line: str) -> str | None:
    """The delimiter that a spreadsheet names in a line of its own before the header (``sep=;``), or None."""
    found = _PREAMBLE.fullmatch(line)
    return None if found is None else found[1]


def numbered(cells: Sequence[object]) -> list[str]:
    """Names of the columns of a file without a header."""
    return [str(number) for number in range(1, len(cells) + 1)]


def headless(columns: Collection[str]) -> bool:
    """Whether what was read as a header looks like a row: a number, or a long text, or something without a letter."""
    return any(len(name) > _LONG_NAME or (name and not any(map(str.isalpha, name))) for name in columns)


def headless_hint(columns: Collection[str], setting: str) -> str:
    """End of the message about a missing column.

    :param setting: that says whether there is a header.
    """
    if not headless(columns):
        return ""
    return f"; if the first line is a row and no header, give {setting}=false and name columns by number: 1, 2, ..."


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
            for name in ("delimiter", "quote", "header")
            if getattr(dialect, name) != getattr(default, name)
        ]
    if formats == {"parquet"} and codecs.lookup(dialect.encoding).name != "utf-8":
        problems.append("encoding: has no effect on parquet files")
    return problems
