"""Bytes that are no text of the encoding: files that are not what they are called, and single bytes in their lines."""

import codecs
import re

from polarity.privacy import excerpt, texts_are_shown
from polarity.tables.dialect import Dialect
from polarity.tables.problems import Refusal

_SIGNATURES = {
    b"PK\x03\x04": "is a ZIP archive or an Excel workbook: export it as CSV",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook: export it as CSV",
    b"PAR1": "is a Parquet file: name it .parquet, or give this format",
    b"\x1f\x8b": "is compressed by gzip: add .gz to its name, or unpack it, as zcat does for a pipe",
    b"version https://git-lfs.github.com/spec": "is a pointer of git-lfs, not the data: run `git lfs pull`",
}
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
SAVE_ALL = "save all of the file as UTF-8"
_EDGE = 20
"""Characters shown before and after an undecodable byte."""
_ESCAPED = re.compile("[\udc80-\udcff]+")


def not_text(head: bytes, dialect: Dialect) -> str | None:
    """Why a file that begins with ``head`` holds no text of the encoding; None if it may."""
    utf8 = is_utf8(dialect.encoding)
    if (what := next((what for start, what in _SIGNATURES.items() if head.startswith(start)), None)) is not None:
        return what
    setting = f"{dialect.setting}encoding"
    if not utf8 and head.startswith(codecs.BOM_UTF8) and not is_mixed(head):
        advice = f"give {setting}=utf-8, or remove the mark (its first three bytes) if the rest is {dialect.encoding}"
        return f"begins with the mark of UTF-8, but {setting}={dialect.encoding}; {advice}"
    if not utf8 and _can_only_be_utf8(head, dialect.encoding):
        return utf8_after_all(dialect)
    may_be_wide = utf8 or (head.startswith(_WIDE_MARKS) and not is_wide(dialect.encoding))
    if may_be_wide and (wide := _wide_encoding(head)):
        return f"is {wide.upper()}, not {'UTF-8' if utf8 else dialect.encoding}; give {setting}={wide}"
    return None


def is_utf8(encoding: str) -> bool:
    """Whether this is a name of it, with or without its mark."""
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")


def is_wide(encoding: str) -> bool:
    """Whether each character takes several bytes, as in UTF-16."""
    return len("\n".encode(encoding)) > 1


def utf8_after_all(dialect: Dialect) -> str:
    """What is said of a file that is UTF-8 and was to be read as something else."""
    setting = f"{dialect.setting}encoding"
    return f"is UTF-8, but {setting}={dialect.encoding}; give {setting}=utf-8"


def has_one_byte_each(encoding: str) -> bool:
    """Whether each byte is a character, so that nearly everything is a text, UTF-8 as well."""
    return not is_utf8(encoding) and len(bytes(range(128, 256)).decode(encoding, "replace")) == 128


def is_in_utf8(text: str, encoding: str) -> bool:
    """Whether the bytes of a text that was read in an encoding are UTF-8."""
    try:
        text.encode(encoding, "surrogateescape").decode("utf-8")
    except UnicodeError:  # also of an encoding that does not write all that it reads
        return False
    return True


def _can_only_be_utf8(head: bytes, encoding: str) -> bool:
    """Whether bytes are UTF-8 that another encoding would read as something else without noticing."""
    if head.startswith((codecs.BOM_UTF8, *_WIDE_MARKS)):
        return False
    if is_wide(encoding):
        return b"\0" not in head and _decodes(head)
    lines = head[: head.rfind(b"\n") + 1]
    return not lines.isascii() and has_one_byte_each(encoding) and _decodes(lines)


def _decodes(head: bytes) -> bool:
    """As UTF-8, which the last character may be cut off of."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def is_mixed(head: bytes) -> bool:
    """Whether a file has the mark of UTF-8 and is none, as programs make it that only add the mark."""
    return head.startswith(codecs.BOM_UTF8) and not _decodes(head)


def _wide_encoding(head: bytes) -> str | None:
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # In UTF-16 every other byte of the delimiters and digits is zero; UTF-8 text has no zero byte at all.
    zeros = {"utf-16-be": head[0::2].count(0), "utf-16-le": head[1::2].count(0)}
    name = max(zeros, key=lambda key: zeros[key])
    return name if zeros[name] > len(head) / 8 and sum(zeros.values()) < 1.1 * zeros[name] else None


def undecodable(text: str, dialect: Dialect, *, mixed: bool = False) -> Refusal | None:
    """The refusal of a text some bytes of which could not be decoded; they stand in it as lone surrogates.

    :param mixed: whether other lines of the file are UTF-8 with more than ASCII.
    """
    found = None if text.isascii() else _ESCAPED.search(text)
    if found is None:
        return None
    near = text[max(0, found.start() - _EDGE) : found.end() + _EDGE].strip()
    other = "utf-8" if codecs.lookup(dialect.encoding).name == "cp1252" else "cp1252"
    own = "utf-8" if is_utf8(dialect.encoding) else dialect.encoding  # utf-8-sig would begin with a mark
    try:
        reads = f", which reads {near.encode(own, 'surrogateescape').decode(other)!r}"
    except UnicodeError:
        reads = ""
    bytes_of, shown = excerpt(f"'{mended(near)}'"), reads if texts_are_shown() else ""
    advice = f"save the file as UTF-8, or name its encoding, perhaps {dialect.setting}encoding={other}{shown}"
    if mixed:
        advice = f"other lines are UTF-8, so that no encoding reads all of it; {SAVE_ALL}"
    return Refusal(f"holds bytes that are not {dialect.encoding}", f"has {bytes_of}", advice)


def mended(text: str, backslash: str = "\\") -> str:
    r"""The text with ``\xNN`` in the place of each undecodable byte.

    :param backslash: how one is written, doubled inside JSON.
    """
    return _ESCAPED.sub(lambda found: "".join(f"{backslash}x{ord(byte) - 0xDC00:02x}" for byte in found[0]), text)
