"""Bytes in and out: files, compressed files, pipes; an output file appears whole or not at all."""

import gzip
import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, cast

from polarity.data.locate import locate, missing
from polarity.files import unwritable, whole_file
from polarity.tables.formats import Format, file_format, open_bytes, unknown_format

STANDARD = "-"
"""Stands for standard input and standard output."""


class Input:
    """Where the rows come from.

    :param path: a file, or ``-`` for standard input.
    """

    def __init__(self, path: str) -> None:
        self.path = None if path == STANDARD else locate(path)
        self._spooled: int | None = None

    @property
    def name(self) -> str:
        """How messages call it."""
        return "standard input" if self.path is None else str(self.path)

    @property
    def rereadable(self) -> bool:
        """Whether it can be read more than once: a file can, a pipe cannot."""
        return self._spooled is not None or (self.path is not None and self.path.is_file())

    def problems(self) -> list[str]:
        """Whether something can be read there."""
        if self.path is None:
            return [] if sys.stdin is not None else ["input: standard input is closed; give a file, or a pipe"]
        if self.path.exists() and not self.path.is_dir():
            return []
        what = f"input: {self.path} is a folder, not a file"
        return [what if self.path.is_dir() else missing("input", self.path)]

    def spool(self) -> None:
        """Copy a pipe to a temporary file, for formats that have to be read twice or from their end."""
        if not self.rereadable:
            with self.open() as stream, tempfile.TemporaryFile() as file:
                shutil.copyfileobj(stream, file)
                file.flush()
                self._spooled = os.dup(file.fileno())
            weakref.finalize(self, os.close, self._spooled)

    def open(self) -> BinaryIO:
        """Its bytes from the beginning, decompressed."""
        if self._spooled is not None:
            os.lseek(self._spooled, 0, os.SEEK_SET)
            return cast("BinaryIO", os.fdopen(os.dup(self._spooled), "rb"))
        if self.path is None:
            return sys.stdin.buffer
        return open_bytes(self.path)


class Output:
    """Where the rows go.

    :param path: a file, which appears when everything has been written, or ``-`` for standard output.
    :param overwrite: whether a file that is there may be replaced.
    """

    def __init__(self, path: str, *, overwrite: bool) -> None:
        self.path = None if path == STANDARD else locate(path)
        self.overwrite = overwrite

    @property
    def name(self) -> str:
        """How messages call it."""
        return "standard output" if self.path is None else str(self.path)

    def problems(self, source: Input) -> list[str]:
        """Whether it can be written, without writing anything."""
        path = self.path
        if path is None:
            return [] if sys.stdout is not None else ["output: standard output is closed; give a file, or a pipe"]
        if path.is_dir():
            return [f"output: {path} is a folder, not a file"]
        if path.is_file() and source.path is not None and source.path.exists() and path.samefile(source.path):
            return [f"output: {path} is the input itself"]
        if path.is_file() and not self.overwrite:
            return [f"output: {path} exists; choose another name, or give overwrite=true"]
        if not path.parent.is_dir():
            return [f"output: there is no folder {path.parent}"]
        return [] if _is_special(path) else unwritable("output", path.resolve().parent)

    @contextmanager
    def open(self, *, whole: bool = False) -> Iterator[BinaryIO]:
        """A stream whose content becomes the file if the block ends well, and is thrown away if it does not.

        :param whole: whether standard output, too, gets all or nothing.
        :raises FileExistsError: if there is a file by then, which may not be replaced; then this one stands beside it.
        """
        if self.path is None:
            with tempfile.TemporaryFile() if whole else nullcontext(sys.stdout.buffer) as stream:
                yield cast("BinaryIO", stream)
                if whole:
                    stream.seek(0)
                    shutil.copyfileobj(stream, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        if _is_special(self.path):
            with self.path.open("wb") as stream:
                yield stream
            return
        path = self.path.resolve()
        with (
            whole_file(path, overwrite=self.overwrite) as part,
            part.open("wb") as file,
            _compressed(file, path) as stream,
        ):
            yield stream


def format_of(setting: str, path: Path | None, named: Format | None, problems: list[str]) -> Format | None:
    """The format of an input or output; None (and a problem) if nothing tells it.

    :param setting: ``input`` or ``output``.
    :param path: None for a standard stream.
    """
    if named is None and path is None:
        problems.append(f"{setting}_format: has to be given for {setting}=-, as {setting}_format=csv")
    elif named is None and path is not None and (named := file_format(path)) is None:
        problems.append(f"{setting}: {path.name}: {unknown_format(path)}; or give {setting}_format")
    return named


def _is_special(path: Path) -> bool:
    """Whether it is a named pipe or a device, which cannot be replaced."""
    return path.exists() and not path.is_file()


@contextmanager
def _compressed(file: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    if path.suffix.lower() != ".gz":
        yield file
        return
    # Neither name nor time are stored, so that equal content gives equal files.
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as stream:
        yield cast("BinaryIO", stream)
