"""Standard output and error that cannot end a run: whatever they cannot show, and whoever stops reading."""

import io
import locale
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


class _Tolerant(io.FileIO):
    """Bytes to a stream that somebody may close, or that a full disk may refuse: then the rest is thrown away."""

    def __init__(self, number: int) -> None:
        super().__init__(number, "wb", closefd=False)
        self.failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if not isinstance(error, BrokenPipeError):  # head has read enough; a full disk has lost something
                self.failure = self.failure or error
            to_nowhere(self.fileno())
            return len(data)


def to_nowhere(number: int) -> None:
    """Throw away what is written to a descriptor from now on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


@contextmanager
def standard_streams(*, data: bool = False) -> Iterator[None]:
    """Characters that a stream has no room for are written as escapes, and a reader that goes away is no failure.

    :param data: whether standard output is what the verb is for, so that writing it may fail.
    :raises OSError: in the end, if something could not be written for another reason than that nobody reads it.
    """
    if os.name == "posix" and locale.getencoding().lower() != "utf-8":
        with suppress(locale.Error):  # files of libraries that name no encoding; what the console shows is settled
            locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    raw = {}
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started the process
            stream = open(os.devnull, "w", encoding="utf-8", errors="backslashreplace")  # noqa: PTH123, SIM115 - for as long as the process lives
            setattr(sys, name, stream)
        elif stream is getattr(sys, f"__{name}__"):
            if data and name == "stdout":
                stream.reconfigure(errors="backslashreplace")
            else:
                raw[name] = _replace(name, stream)
        elif getattr(sys, f"__{name}__") is None and isinstance(stream, io.TextIOWrapper):  # a library put it there
            stream.reconfigure(errors="backslashreplace")
    yield
    for name, bytes_out in raw.items():
        getattr(sys, name).flush()
        if bytes_out.failure is not None:
            bytes_out.failure.filename = f"standard {'output' if name == 'stdout' else 'error'}"
            raise bytes_out.failure


def _replace(name: str, stream: TextIO) -> _Tolerant:
    stream.flush()
    raw = _Tolerant(stream.fileno())
    replaced = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.isatty() or name == "stderr",
    )
    setattr(sys, name, replaced)
    return raw
