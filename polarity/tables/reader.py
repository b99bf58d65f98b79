"""What reads a table once, from its beginning to its end."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Self

import pyarrow as pa

from polarity.errors import UserError
from polarity.tables.chunk import Chunk


class TableReader(ABC):
    """An open table, read once; a context manager that closes it.

    :param name: of the table, the beginning of each problem.
    :param setting: begins the names of the settings that say how its header is read; None: nothing else can be made of
        it.
    """

    WITHOUT_ROWS = "has a header but no row"
    """What is said of a table in which there is nothing to read."""

    def __init__(self, name: str, setting: str | None = None) -> None:
        self.name, self.setting = name, setting

    @property
    @abstractmethod
    def fields(self) -> list[pa.Field]:
        """The columns, as far as they are known."""

    @property
    def columns(self) -> list[str]:
        """Their names."""
        return [field.name for field in self.fields]

    @abstractmethod
    def chunks(self, size: int) -> Iterator[Chunk]:
        """The rows in parts of ``size``; no more than one part is held.

        :raises UserError: if the input breaks off, so that nothing after that place can be read.
        """

    def hidden(self) -> list[str]:
        """Problems about rows within others, among those that were read so far: there would be fewer than there are."""
        return []

    def notes(self) -> list[str]:
        """What to tell of the rows that were read so far, which stops nothing."""
        return []

    @abstractmethod
    def close(self) -> None:
        """Close the input."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def broken(self, what: str) -> UserError:
        """The error for a table that cannot be read on."""
        return UserError(f"{self.name}: {what}")
