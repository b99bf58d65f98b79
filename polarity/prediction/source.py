"""What reads an input once, from its beginning to its end."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Self

import pyarrow as pa

from polarity.errors import UserError
from polarity.prediction.chunk import Chunk


class Source(ABC):
    """An open input, read once; a context manager that closes it.

    :param name: of the input, the beginning of each problem.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    @abstractmethod
    def fields(self) -> list[pa.Field]:
        """The columns that every chunk has."""

    @property
    def columns(self) -> list[str]:
        """The names of the columns that every chunk has."""
        return [field.name for field in self.fields]

    @abstractmethod
    def chunks(self, size: int) -> Iterator[Chunk]:
        """The rows in parts of ``size``; no more than one part is held.

        :raises UserError: if the input breaks off, so that nothing after that place can be read.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the input."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def broken(self, what: str) -> UserError:
        """The error for an input that cannot be read on."""
        return UserError(f"{self.name}: {what}")
