"""From a file to its text: compression, encoding, and files that are not what their extension says."""

import codecs
import gzip
import zlib
from pathlib import Path

from polarity.data.problems import Problems

_SIGNATURES = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook: export it as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: export it as CSV",
    b"PAR1": "a Parquet file: name it .parquet",
    b"\x1f\x8b": "compressed by gzip: add .gz to its name",
    b"version https://git-lfs.github.com/spec": "a pointer of git-lfs, not the data: run `git lfs pull`",
}
_EDGE = 20
"""Characters shown before and after an undecodable byte."""
_SAMPLE = 4096
"""Bytes looked at to recognise UTF-16 without a byte order mark."""


def read_bytes(path: Path, problems: Problems) -> bytes | None:
    """The content, decompressed; None (and a problem) if the file cannot be read or holds nothing."""
    try:
        content = path.read_bytes()
    except OSError as error:
        problems.add(f"{path}: cannot be read: {error.strerror}")
        return None
    if path.suffix.lower() == ".gz" and content:
        try:
            content = gzip.decompress(content)
        except EOFError:
            problems.add(f"{path}: the compressed file breaks off; it is truncated: copy or write it again")
            return None
        except (gzip.BadGzipFile, zlib.error) as error:
            problems.add(f"{path}: is not a sound gzip file ({error}): copy or write it again")
            return None
    if not content:
        problems.add(f"{path}: the file is empty")
        return None
    return content


def decode(name: str, content: bytes, encoding: str, problems: Problems) -> str | None:
    """The text without byte order mark and NUL; None (and a problem) if the file holds no text in that encoding.

    Single undecodable bytes are reported and replaced, so that the other problems of the file are found, too.
    """
    utf8 = codecs.lookup(encoding).name == "utf-8"
    for start, what in _SIGNATURES.items():
        if content.startswith(start):
            problems.add(f"{name}: is {what}")
            return None
    if not utf8 and content.startswith(codecs.BOM_UTF8):
        problems.add(f"{name}: begins with the mark of UTF-8, but data.encoding={encoding}; give data.encoding=utf-8")
        return None
    if utf8 and (wide := _wide_encoding(content)):
        problems.add(f"{name}: is {wide.upper()}, not UTF-8; give data.encoding={wide}")
        return None
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if len("\n".encode(encoding)) > 1:
            problems.add(f"{name}: byte {error.start} is not {encoding} ({error.reason}); is the file truncated?")
            return None
        _report_undecodable(name, content, encoding, problems)
        text = content.decode(encoding, errors="replace")
    return _without_nul(name, text.removeprefix("\ufeff"), problems)


def _wide_encoding(content: bytes) -> str | None:
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = content[:_SAMPLE]
    # In UTF-16 every other byte of the delimiters and digits is zero; UTF-8 text has no zero byte at all.
    zeros = {"utf-16-be": sample[0::2].count(0), "utf-16-le": sample[1::2].count(0)}
    name = max(zeros, key=lambda key: zeros[key])
    return name if zeros[name] > len(sample) / 8 and sum(zeros.values()) < 1.1 * zeros[name] else None


def _report_undecodable(name: str, content: bytes, encoding: str, problems: Problems) -> None:
    offset = 0
    for number, line in enumerate(content.split(b"\n"), start=1):
        try:
            line.decode(encoding)
        except UnicodeDecodeError as error:
            near = line[max(0, error.start - _EDGE) : error.end + _EDGE]
            where = f"line {number}, byte {offset + error.start} of the file is 0x{line[error.start]:02x}"
            shown = near.decode(encoding, errors="backslashreplace").strip()
            problems.at(f"{name}: not {encoding}", f"{where} in '{shown}'", _encoding_advice(near, encoding))
        offset += len(line) + 1


def _encoding_advice(near: bytes, encoding: str) -> str:
    other = "utf-8" if codecs.lookup(encoding).name == "cp1252" else "cp1252"
    try:
        read = f", which reads {near.decode(other).strip()!r}"
    except UnicodeDecodeError:
        read = ""
    return f"save the file as UTF-8, or name its encoding, perhaps data.encoding={other}{read}"


def _without_nul(name: str, text: str, problems: Problems) -> str:
    if "\0" not in text:
        return text
    for number, line in enumerate(text.split("\n"), start=1):
        if "\0" in line:
            where = f"line {number}, character {line.index(chr(0)) + 1}"
            problems.at(f"{name}: NUL, which no text holds", where, "the file is damaged: copy or write it again")
    return text.replace("\0", "")
