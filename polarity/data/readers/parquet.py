"""Parquet, and any Arrow table."""

from typing import TYPE_CHECKING, Any

from polarity.data.problems import Problems
from polarity.data.readers.arrow import python_cells
from polarity.data.table import Table

if TYPE_CHECKING:
    import pyarrow as pa

_INDEX = "__index_level_"
"""Prefix of the columns in which pandas keeps an index without a name."""


def read_parquet(name: str, content: bytes, problems: Problems) -> Table | None:
    """The table; None (and a problem) if the file is damaged."""
    # Both take long to import, and most data are text files.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        arrow = pq.ParquetFile(pa.BufferReader(content)).read()
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        problems.add(f"{name}: is truncated or not a Parquet file ({reason}): copy or write it again")
        return None
    return arrow_table(name, arrow, problems)


def arrow_table(name: str, arrow: "pa.Table", problems: Problems) -> Table | None:
    """Arrow's columns as raw cells."""
    names = arrow.column_names
    for column in dict.fromkeys(names):
        if names.count(column) > 1:
            problems.add(f"{name}: has {names.count(column)} columns named {column!r}")
    if not arrow.num_rows:
        problems.add(f"{name}: has columns but no row")
    columns: dict[str, list[Any]] = {}
    for number, column in enumerate(names):
        if column in columns or column.startswith(_INDEX):
            continue
        columns[column] = python_cells(arrow.column(number))
    return Table(name, columns, range(1, arrow.num_rows + 1))
