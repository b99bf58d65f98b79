"""Which files hold a text, however they write it: escaped, marked up, packed, or in another encoding."""

import gzip
import html
import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.parquet as pq

LENGTH = 20
"""Letters and digits of a text that nobody writes by chance."""
TAG = re.compile(r"<[^<>]*>")
CODE = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")
BLANK = re.compile(r"\\[nrt]")
NO_LETTER = re.compile(r"[\W_]+")


def holding(folder: Path, texts: Iterable[str]) -> set[str]:
    """Names of the files below a folder that hold a piece of one of the texts."""
    files, sought = [path for path in folder.rglob("*") if path.is_file()], pieces(texts)
    assert files, "else nothing would be looked at"
    return {path.name for path in files if holds(path.read_bytes(), sought)}


def pieces(texts: Iterable[str]) -> set[str]:
    """What is looked for: the letters of each text, in lengths that overlap by half."""
    sought = set()
    for text in texts:
        letters = _letters(text)
        starts = range(0, max(1, len(letters) - LENGTH + 1), LENGTH // 2)
        sought |= {letters[start : start + LENGTH] for start in starts}
    assert sought
    assert min(map(len, sought)) >= 8, "else they would be found anywhere"
    return sought


def holds(content: bytes, sought: Iterable[str]) -> bool:
    """Whether a piece stands in a file with this content."""
    return any(piece in letters for letters in _readings(content) for piece in sought)


def _readings(content: bytes) -> Iterator[str]:
    for part in _unpacked(content):
        for encoding in ("utf-8", "latin-1"):  # letters of UTF-16 are those of the latter, with a zero beside each
            text = part.decode(encoding, errors="replace")
            for read in (text, TAG.sub("", text)):
                yield _letters(_unescaped(read))


def _unpacked(content: bytes) -> Iterator[bytes]:
    yield content
    if content.startswith(b"\x1f\x8b"):
        yield from _unpacked(gzip.decompress(content))
    if content.startswith(b"PK\x03\x04"):  # what torch saves, too
        with ZipFile(BytesIO(content)) as file:
            for name in file.namelist():
                yield from _unpacked(file.read(name))
    if content.startswith(b"PAR1"):
        table = pq.read_table(pa.BufferReader(content))
        yield f"{table.schema.metadata} {table.to_pydict()}".encode()


def _unescaped(text: str) -> str:
    """Entities of HTML, also twice; codes of JSON, YAML and Python; those of addresses."""
    text = BLANK.sub(" ", html.unescape(html.unescape(text)))
    return unquote(CODE.sub(lambda found: chr(int(found[1] or found[2], 16)), text))


def _letters(text: str) -> str:
    return NO_LETTER.sub("", text).casefold()
