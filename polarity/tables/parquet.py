"""Parquet, and any Arrow table: columns keep their types."""

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from polarity.tables.chunk import Chunk
from polarity.tables.places import Places
from polarity.tables.reader import TableReader


class ArrowReader(TableReader):
    """Rows of an Arrow table.

    :param setting: of the text files that it was made of.
    """

    WITHOUT_ROWS = "has columns but no row"

    def __init__(self, name: str, table: pa.Table, setting: str | None = None) -> None:
        super().__init__(name, setting)
        self._table = table

    @property
    def fields(self) -> list[pa.Field]:
        return list(self._table.schema)

    def chunks(self, size: int) -> Iterator[Chunk]:
        first = 1
        for batch in self._batches(size):
            where = Places()
            for row in range(len(batch)):
                where.add(first + row)
            yield Chunk(batch.schema.names, batch.columns, where, [None] * len(batch))
            first += len(batch)

    def _batches(self, size: int) -> Iterator[pa.RecordBatch]:
        yield from self._table.to_batches(size)

    def close(self) -> None:
        pass


class ParquetReader(ArrowReader):
    """Rows of a Parquet file.

    :param stream: a file, since Parquet is read from its end.
    :raises UserError: if the file is cut off or none of Parquet.
    """

    def __init__(self, name: str, stream: BinaryIO) -> None:
        TableReader.__init__(self, name)
        self._stream = stream
        try:
            self._file = pq.ParquetFile(stream)
        except (pa.ArrowException, OSError) as error:
            stream.close()
            reason = _first_line(error)
            raise self.broken(f"is truncated or not a Parquet file ({reason}): copy or write it again") from error

    @property
    def fields(self) -> list[pa.Field]:
        return list(self._file.schema_arrow)

    def _batches(self, size: int) -> Iterator[pa.RecordBatch]:
        read = 0
        try:
            for batch in self._file.iter_batches(batch_size=size):
                yield batch
                read += len(batch)
        except (pa.ArrowException, OSError) as error:
            raise self.broken(f"is damaged after row {read} ({_first_line(error)})") from error

    def close(self) -> None:
        self._file.close()
        self._stream.close()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
