"""CSV files."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

from polarity.errors import UserError
from polarity.files import write_text

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_ANY = 2**31 - 1
"""Characters of a cell; more is in no table of texts."""


@contextmanager
def long_cells(most: int = _ANY) -> Iterator[None]:
    """Within the block the csv module reads cells of more than 128 KiB: a global of it, which others use as well."""
    usual = csv.field_size_limit(most)
    try:
        yield
    finally:
        csv.field_size_limit(usual)


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


def read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file as they were given to :func:`write_csv`, however long; none if there is no file.

    :raises UserError: if it is damaged.
    """
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file, long_cells():
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{path}: is damaged and cannot be read ({error})") from error
    if any(None in row for row in rows):
        raise UserError(f"{path}: is damaged and cannot be read (a row has more cells than the header)")
    return [{name: as_written(cell or "") for name, cell in row.items()} for row in rows]


def csv_line(cells: Sequence[object], delimiter: str = ",") -> str:
    """One row of CSV with its newline; cells that hold line breaks of any kind are quoted."""
    buffer = StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n").writerow(cells)  # either of the two is quoted
    return buffer.getvalue().removesuffix("\r\n") + "\n"
