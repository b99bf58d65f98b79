"""Rows never go in silence: quotes that belong together across rows, files without a header, empty lines."""

import json
from pathlib import Path
from typing import Any

import pytest

from polarity.data.table import Table, read_table
from polarity.errors import UserError
from polarity.tables.dialect import Dialect
from polarity.tables.problems import Problems
from tests.prediction.jobs import job, predict


def rows_of(delimiter: str, count: int = 40) -> list[str]:
    """Rows of one line, where ``<`` and ``>`` in the text stand for quotes that belong together across rows."""
    texts = [
        f'"It begins in {n}' if n % 10 == 3 else f'ends in {n}"' if n % 10 == 6 else f"text {n}" for n in range(count)
    ]
    return [delimiter.join((f"s{n}", ("pos", "neg")[n % 2], text)) for n, text in enumerate(texts)]


def read(path: Path, dialect: Dialect | None = None) -> tuple[Table | None, list[str]]:
    """As training reads."""
    problems = Problems()
    return read_table(path, dialect or Dialect(), problems), problems.lines()


def predicted(path: Path, text: str = "text", **dialect: Any) -> list[list[str]]:
    """As prediction reads: the rows that come out, without what was added."""
    output = path.parent / "predicted.jsonl"
    output.unlink(missing_ok=True)
    predict(job(path, output, keep=True, chunk_rows=16, text=text, dialect=dialect))
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    return [[cell for name, cell in row.items() if not name.startswith(("tone.", "topic.", "error"))] for row in rows]


@pytest.mark.parametrize(("ending", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_rows_within_a_quoted_cell_are_refused_and_plain_quotes_give_all(
    ending: str, delimiter: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_text("\n".join([delimiter.join(("id", "label", "text")), *rows_of(delimiter)]) + "\n")
    _, problems = read(path)
    (problem,) = problems
    assert "row 4 (line 5) holds 4 rows" in problem
    assert "give 'data.quote=\"\"'" in problem
    with pytest.raises(UserError, match=r"row 4 \(line 5\) holds 4 rows.*quote=\"\""):
        predicted(path)
    plain = Dialect(quote=None)
    table, problems = read(path, plain)
    assert table is not None
    assert (len(table), problems) == (40, [])
    assert len(predicted(path, quote=None)) == 40


@pytest.mark.parametrize(
    "cell",
    [
        '"Hello\nmy friend, how are you"',  # the second line has as many cells as the header
        '"Hello, you\nand you, too"',
        '"a,b\n\nc,d\n"',
        '"one ""quoted"" word, and\nanother one"',
    ],
)
def test_texts_of_several_lines_stay_what_they_are(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("label,text\n" + "".join(f"{('pos', 'neg')[n % 2]},plain {n}\npos,{cell}\n" for n in range(20)))
    table, problems = read(path)
    assert table is not None
    assert (len(table), problems) == (40, [])
    assert len(predicted(path)) == 40
    path.write_text("text,label\n" + "".join(f"plain {n},{('pos', 'neg')[n % 2]}\n{cell},pos\n" for n in range(20)))
    table, problems = read(path)
    assert table is not None
    assert (len(table), problems) == (40, [])
    assert len(predicted(path)) == 40


def test_an_empty_line_in_a_file_of_one_column_is_a_row_except_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\none\n\nthree\n\n\nsix\n\n\n")
    table, _ = read(path)
    assert table is not None
    assert table.columns["text"] == ["one", "", "three", "", "", "six"]
    assert list(table.where) == [f"row {n} (line {n + 1})" for n in range(1, 7)]
    assert predicted(path) == [["one"], [""], ["three"], [""], [""], ["six"]]


@pytest.mark.parametrize("first", ["sep=;\n", '"sep=;"\r\n', "\ufeffsep=;\n"])
def test_the_line_of_a_spreadsheet_before_the_header_names_the_delimiter(first: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"{first}id;text\n1;a, b\n2;c\n".encode())
    table, problems = read(path)
    assert table is not None
    assert problems == []
    assert table.columns == {"id": ["1", "2"], "text": ["a, b", "c"]}
    assert table.where[0] == "row 1 (line 3)"
    assert predicted(path) == [["1", "a, b"], ["2", "c"]]


def test_columns_of_a_file_without_a_header_are_called_by_number(tmp_path: Path) -> None:
    path, dialect = tmp_path / "a.tsv", Dialect(header=False)
    path.write_text("7\tpos\tone\n8\tneg\ttwo\n")
    table, problems = read(path, dialect)
    assert table is not None
    assert problems == []
    assert table.columns == {"1": ["7", "8"], "2": ["pos", "neg"], "3": ["one", "two"]}
    assert table.where[0] == "row 1 (line 1)"
    assert predicted(path, "3", header=False) == [["7", "pos", "one"], ["8", "neg", "two"]]
