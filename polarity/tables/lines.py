"""Lines of a text file, one at a time; bytes that are no text are marked and not lost."""

import codecs
import io
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from polarity.errors import UserError
from polarity.tables.dialect import Dialect
from polarity.tables.encoding import (
    SAVE_ALL,
    has_one_byte_each,
    is_in_utf8,
    is_mixed,
    is_utf8,
    is_wide,
    not_text,
    utf8_after_all,
)
from polarity.wording import out_of

LONGEST = 32 * 2**20
"""Characters of the longest line, and of the longest cell: more is no table of texts, and must not fill the memory."""
_BROKEN_STREAM = (EOFError, OSError, zlib.error)
"""What reading from a compressed file that is cut off or damaged raises."""
_HEAD = 65536


class Lines:
    """Iterates over lines with their ends; a byte order mark is skipped.

    Undecodable bytes stand in them as lone surrogates, see :func:`polarity.tables.encoding.undecodable`. After the last
    line, what is UTF-8 in most lines that have accents is refused in an encoding that reads it as something else.

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
        self._one_byte, self._utf8 = has_one_byte_each(dialect.encoding), utf8
        self._in_utf8 = {True: 0, False: 0}  # lines with more than ASCII, by whether they are UTF-8
        self._first_in_utf8 = 0
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
            if self._one_byte and self._in_utf8[True] > self._in_utf8[False]:
                what = self._mixture() if self._in_utf8[False] else utf8_after_all(self.dialect)
                raise UserError(f"{self.name}: {what}")
            raise StopIteration
        line = line if self.number else line.removeprefix("\ufeff")
        if (self._one_byte or (self._utf8 and not self.is_partly_utf8)) and not line.isascii():
            self._in_utf8[is_in_utf8(line, self.dialect.encoding)] += 1
            if not self._first_in_utf8 and self._in_utf8[True]:
                self._first_in_utf8 = self.number + 1
        self.number += 1
        if len(line) > LONGEST:
            raise UserError(f"{self.name}: line {self.number} has more than {LONGEST:,} characters; is it a table?")
        return line

    @property
    def is_partly_utf8(self) -> bool:
        """Whether a line so far with more than ASCII is UTF-8; where a file is read so, it is looked for no further."""
        return self._utf8 and self._in_utf8[True] > 0

    def notes(self) -> list[str]:
        """That lines so far may be something else than what they were read as."""
        if not (self._one_byte and self._in_utf8[True]):
            return []
        return [f"{self.name}: {self._mixture()} (a few may look so by chance)"]

    def _mixture(self) -> str:
        found = out_of(self._in_utf8[True], sum(self._in_utf8.values()), "non-ASCII line", "is", "are")
        encoding = f"{self.dialect.setting}encoding={self.dialect.encoding}"
        where = f"line {self._first_in_utf8} is the first"
        return f"{found} UTF-8 ({where}), of which {encoding} makes other letters; {SAVE_ALL}"

    def close(self) -> None:
        """Close the stream."""
        self._text.close()
