"""Parquet: columns keep their types."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from polarity.data.readers.arrow import python_cells
from polarity.prediction.chunk import Chunk, cell_of, json_of
from polarity.prediction.source import Source


class ArrowChunk(Chunk):
    """Rows of a Parquet file."""

    def __init__(self, batch: pa.RecordBatch, first: int) -> None:
        super().__init__([f"row {first + row}" for row in range(len(batch))], [None] * len(batch))
        self.batch = batch

    def column(self, name: str) -> list[Any]:
        return python_cells(self.batch.column(self.batch.schema.get_field_index(name)))

    def cells(self) -> list[list[str]]:
        columns = [[cell_of(value) for value in python_cells(column)] for column in self.batch.columns]
        return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in self.where]

    def objects(self) -> list[str]:
        names = [json_of(name) for name in self.batch.schema.names]
        columns = [[json_of(value) for value in python_cells(column)] for column in self.batch.columns]
        rows = zip(*columns, strict=True) if columns else [()] * len(self)
        return [", ".join(f"{name}: {value}" for name, value in zip(names, row, strict=True)) for row in rows]

    def arrays(self) -> list[pa.Array]:
        return list(self.batch.columns)


class ParquetSource(Source):
    """Rows of a Parquet file.

    :param stream: a file, since Parquet is read from its end.
    :raises UserError: if the file is cut off or none of Parquet.
    """

    def __init__(self, name: str, stream: BinaryIO) -> None:
        super().__init__(name)
        self._stream = stream
        try:
            self._file = pq.ParquetFile(stream)
        except (pa.ArrowException, OSError) as error:
            stream.close()
            raise self.broken(f"is truncated or not a Parquet file ({_first_line(error)})") from error

    @property
    def fields(self) -> list[pa.Field]:
        return list(self._file.schema_arrow)

    @property
    def rows(self) -> int:
        """Rows of the file."""
        return int(self._file.metadata.num_rows)

    def chunks(self, size: int) -> Iterator[Chunk]:
        first = 1
        try:
            for batch in self._file.iter_batches(batch_size=size):
                yield ArrowChunk(batch, first)
                first += len(batch)
        except (pa.ArrowException, OSError) as error:
            raise self.broken(f"is damaged after row {first - 1} ({_first_line(error)})") from error

    def close(self) -> None:
        self._file.close()
        self._stream.close()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
