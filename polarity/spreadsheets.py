"""CSV files."""

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path

from polarity.files import write_text

_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def harmless(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula: a text that begins like one gets an apostrophe; numbers stay."""
    text = str(cell)
    if not isinstance(cell, str) or not _FORMULA.match(text):
        return cell
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return cell


def as_written(cell: str) -> str:
    """The text that :func:`harmless` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def write_csv(path: Path, header: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    """Write a CSV file for people and their spreadsheets, whole or not at all; see :func:`harmless`."""
    write_text(path, "".join(csv_line([harmless(cell) for cell in line]) for line in (header, *lines)))


def csv_line(cells: Sequence[object], delimiter: str = ",") -> str:
    """One row of CSV with its newline; cells that hold line breaks of any kind are quoted."""
    buffer = StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n").writerow(cells)  # either of the two is quoted
    return buffer.getvalue().removesuffix("\r\n") + "\n"
