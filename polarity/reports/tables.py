"""CSV files."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path

from polarity.files import write_text


def write_csv(path: Path, header: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    """Write a CSV file whole or not at all."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    write_text(path, buffer.getvalue())
