"""Lines of a text input, one at a time; bytes that are no text are marked and not lost."""

import codecs
import io
import re
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from polarity.data.problems import Problems
from polarity.data.readers.content import decode
from polarity.errors import UserError

LONGEST = 32 * 2**20
"""Characters of the longest line, and of the longest cell: more is no table of texts, and must not fill the memory."""
BROKEN_STREAM = (EOFError, OSError, zlib.error)
"""What reading from a compressed file that is cut off or damaged raises."""
_HEAD = 4096
_ESCAPED = re.compile("[\udc80-\udcff]")


class Lines:
    """Iterates over lines with their ends.

    Undecodable bytes stand in them as lone surrogates, see :func:`undecodable` and :func:`mended`.

    :param stream: bytes, from the beginning.
    :param encoding: of the text.
    :param newline: as for ``io.TextIOWrapper``; None would change the ends.
    :raises UserError: if the input begins like something else than text.
    """

    def __init__(self, name: str, stream: BinaryIO, encoding: str, newline: str) -> None:
        self.name, self.number, self.encoding = name, 0, encoding
        buffered: Any = stream if hasattr(stream, "peek") else io.BufferedReader(cast("io.RawIOBase", stream))
        wide = len("\n".encode(encoding)) > 1  # there an undecodable byte shifts all that follows
        try:
            self._check(buffered, wide=wide)
        except UserError:
            buffered.close()
            raise
        plain = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
        errors = "strict" if wide else "surrogateescape"
        self._text = io.TextIOWrapper(buffered, encoding=plain, errors=errors, newline=newline)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = self._text.readline(LONGEST + 1)
        except UnicodeDecodeError as error:
            raise UserError(f"{self.name}: after line {self.number}: not {self.encoding} ({error.reason})") from error
        except BROKEN_STREAM as error:
            raise UserError(f"{self.name}: breaks off after line {self.number} ({error})") from error
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > LONGEST:
            raise UserError(f"{self.name}: line {self.number} has more than {LONGEST:,} characters; is it a table?")
        return line

    def close(self) -> None:
        """Close the stream."""
        self._text.close()

    def _check(self, stream: Any, *, wide: bool) -> None:
        """Look at the beginning for what a whole file would be refused for."""
        try:
            head = stream.peek(_HEAD)[:_HEAD]
        except BROKEN_STREAM as error:
            raise UserError(f"{self.name}: cannot be read ({error})") from error
        if wide:
            return
        problems = Problems()
        whole = head[: head.rfind(b"\n") + 1] or head  # a cut within a character is no fault of the file
        if decode(self.name, whole, self.encoding, problems) is None:
            raise UserError([line.replace("data.encoding", "encoding") for line in problems.lines()])


def undecodable(text: str) -> bool:
    """Whether bytes of the line could not be decoded."""
    return not text.isascii() and _ESCAPED.search(text) is not None


def mended(text: str, backslash: str = "\\") -> str:
    r"""The text with ``\xNN`` in the place of each undecodable byte.

    :param backslash: how one is written, doubled inside JSON.
    """
    return _ESCAPED.sub(lambda found: f"{backslash}x{ord(found[0]) - 0xDC00:02x}", text)
