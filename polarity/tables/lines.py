"""Lines of a text file, one at a time; bytes that are no text are marked and not lost."""

import codecs
import io
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from polarity.errors import UserError
from polarity.tables.dialect import Dialect
from polarity.tables.encoding import is_mixed, is_unnoticed_utf8, is_utf8, is_wide, not_text, utf8_after_all

LONGEST = 32 * 2**20
"""Characters of the longest line, and of the longest cell: more is no table of texts, and must not fill the memory."""
_BROKEN_STREAM = (EOFError, OSError, zlib.error)
"""What reading from a compressed file that is cut off or damaged raises."""
_HEAD = 65536


class Lines:
    """Iterates over lines with their ends; a byte order mark is skipped.

    Undecodable bytes stand in them as lone surrogates, see :func:`polarity.tables.encoding.undecodable`. After the last
    line, what is UTF-8 wherever it has accents is refused in an encoding that would read it as something else.

    :param stream: bytes, from the beginning.
    :param newline: as for ``io.TextIOWrapper``; None would change the ends.
    :raises UserError: if the input begins like something else than text.
    """

    def __init__(self, name: str, stream: BinaryIO, dialect: Dialect, newline: str) -> None:
        self.name, self.number, self.dialect = name, 0, dialect
        buffered: Any = stream if hasattr(stream, "peek") else io.BufferedReader(cast("io.RawIOBase", stream))
        utf8 = is_utf8(dialect.encoding)
        wide = not utf8 and is_wide(dialect.encoding)  # there an undecodable byte shifts all that follows
        try:
            head = buffered.peek(_HEAD)[:_HEAD]
        except _BROKEN_STREAM as error:
            buffered.close()
            raise UserError(f"{name}: cannot be read ({error}): copy or write it again") from error
        if (what := not_text(head, dialect)) is not None:
            buffered.close()
            raise UserError(f"{name}: {what}")
        if not wide and not utf8 and is_mixed(head):
            buffered.read(len(codecs.BOM_UTF8))  # another encoding was asked for, in which it would be characters
        errors = "strict" if wide else "surrogateescape"
        self._unnoticed_utf8: bool | None = None  # of all lines so far with more than ASCII; None without one
        self._text = io.TextIOWrapper(buffered, encoding=dialect.encoding, errors=errors, newline=newline)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = self._text.readline(LONGEST + 1)
        except UnicodeError as error:  # one that is no UnicodeDecodeError misses the mark of UTF-16 or UTF-32
            why = getattr(error, "reason", error)
            reason = f"not {self.dialect.encoding} after line {self.number} ({why}); is the file truncated?"
            raise UserError(f"{self.name}: {reason}") from error
        except _BROKEN_STREAM as error:
            raise UserError(
                f"{self.name}: breaks off after line {self.number} ({error}): copy or write it again"
            ) from error
        if not line:
            if self._unnoticed_utf8:
                raise UserError(f"{self.name}: {utf8_after_all(self.dialect)}")
            raise StopIteration
        if self._unnoticed_utf8 is not False and not line.isascii():
            self._unnoticed_utf8 = self._may_be_utf8(line)
        self.number += 1
        if len(line) > LONGEST:
            raise UserError(f"{self.name}: line {self.number} has more than {LONGEST:,} characters; is it a table?")
        return line.removeprefix("\ufeff") if self.number == 1 else line

    def _may_be_utf8(self, line: str) -> bool:
        try:
            return is_unnoticed_utf8(line.encode(self.dialect.encoding, "surrogateescape"), self.dialect.encoding)
        except UnicodeError:  # an encoding that does not write all that it reads
            return False

    def close(self) -> None:
        """Close the stream."""
        self._text.close()
