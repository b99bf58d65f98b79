"""What writes tables: all columns of the input, then those that are added."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import BinaryIO, Self

import pyarrow as pa
import pyarrow.parquet as pq

from polarity.spreadsheets import csv_line, harmless
from polarity.tables.chunk import Chunk


class Writer(ABC):
    """Writes chunk after chunk to a stream, which somebody else opens and closes."""

    @abstractmethod
    def write(self, chunk: Chunk, added: Sequence[pa.Array]) -> None:
        """Write the rows of a chunk.

        :param added: texts or numbers, null where there is nothing to say; one array for each added column.
        """

    def close(self) -> None:  # noqa: B027 - most formats have nothing at their end
        """Write what stands at the end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class DelimitedWriter(Writer):
    """Writes CSV or TSV in UTF-8; numbers with all their digits.

    :param spreadsheet: whether cells that a spreadsheet would take for formulas get an apostrophe.
    """

    def __init__(
        self,
        stream: BinaryIO,
        columns: Sequence[str],
        added: Sequence[pa.Field],
        delimiter: str,
        *,
        spreadsheet: bool = False,
    ) -> None:
        self._stream, self._delimiter, self._spreadsheet = stream, delimiter, spreadsheet
        self._write([[*columns, *(field.name for field in added)]])

    def write(self, chunk: Chunk, added: Sequence[pa.Array]) -> None:
        new = [["" if cell is None else str(cell) for cell in column.to_pylist()] for column in added]
        self._write([*row, *cells] for row, cells in zip(chunk.cells(), zip(*new, strict=True), strict=True))

    def _write(self, rows: Iterable[Sequence[str]]) -> None:
        if self._spreadsheet:
            rows = [[str(harmless(cell)) for cell in row] for row in rows]
        self._stream.write("".join(csv_line(row, self._delimiter) for row in rows).encode())


class JsonWriter(Writer):
    """Writes JSON lines in UTF-8; what stood in a line of JSON is copied as it is."""

    def __init__(self, stream: BinaryIO, added: Sequence[pa.Field]) -> None:
        self._stream = stream
        self._names = [json.dumps(field.name, ensure_ascii=False) for field in added]

    def write(self, chunk: Chunk, added: Sequence[pa.Array]) -> None:
        new = [[json.dumps(cell, ensure_ascii=False) for cell in column.to_pylist()] for column in added]
        for row, cells in zip(chunk.objects(), zip(*new, strict=True), strict=True):
            members = [f"{name}: {cell}" for name, cell in zip(self._names, cells, strict=True)]
            self._stream.write(f"{{{', '.join([*([row] if row else []), *members])}}}\n".encode())


class ParquetWriter(Writer):
    """Writes Parquet, one row group a chunk."""

    def __init__(self, stream: BinaryIO, fields: Sequence[pa.Field], added: Sequence[pa.Field]) -> None:
        self._schema = pa.schema([*fields, *added])
        self._writer = pq.ParquetWriter(stream, self._schema)

    def write(self, chunk: Chunk, added: Sequence[pa.Array]) -> None:
        self._writer.write_batch(pa.record_batch([*chunk.arrays(), *added], schema=self._schema))

    def close(self) -> None:
        self._writer.close()
