"""Cells of typed formats as text, and the collected problems."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from polarity.data.cells import is_blank
from polarity.data.table import NoTextError, cell_text
from polarity.tables.chunk import WrittenNumber
from polarity.tables.problems import SHOWN, Problems


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, None),
        ("", ""),
        (" None ", " None "),
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (1.0, "1"),
        (-0.5, "-0.5"),
        (1e20, "100000000000000000000"),
        (float("nan"), None),
        (float("inf"), "inf"),
        (Decimal("2.00"), "2"),
        (Decimal("2.50"), "2.50"),
        (dt.date(2026, 1, 2), "2026-01-02"),
    ],
)
def test_cell_text(cell: Any, text: str | None) -> None:
    assert cell_text(cell) == text


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("9007199254740993.0", "9007199254740993"),  # beyond 2**53 a float has every other number only
        ("-123456789012345678901234567890.00", "-123456789012345678901234567890"),
        ("1e23", "100000000000000000000000"),
        ("0.12345678901234567890", "0.1234567890123456789"),
        ("0.99999999999999999999", "0.99999999999999999999"),
        ("1e400", "1E+400"),
        ("1.10", "1.1"),
        ("1e-7", "1e-07"),
        ("-0.0", "0"),
        ("NaN", None),
        ("-Infinity", "-inf"),
    ],
)
def test_numbers_of_json_keep_their_digits(written: str, text: str | None) -> None:
    assert cell_text(WrittenNumber(written)) == text


@pytest.mark.parametrize("cell", [[], {}, b"a", ()])
def test_no_text(cell: Any) -> None:
    with pytest.raises(NoTextError):
        cell_text(cell)


@pytest.mark.parametrize("text", ["", " ", "\t\n\r\f\v", "\u00a0\u2003\u3000", "\u200b\u200d\ufeff\u2060"])
def test_blank(text: str) -> None:
    assert is_blank(text)
    assert not is_blank(f"{text}.{text}")


def test_problems_of_one_kind_are_one_line() -> None:
    problems = Problems()
    assert not problems
    for number in range(1234):
        problems.at("a", f"row {number}", "mend it")
    problems.at("b", "row 0", "(valid: c)")
    problems.add("c")
    problems.extend(["c", "d"])
    shown = ", ".join(f"row {number}" for number in range(SHOWN))
    assert problems.lines() == [f"a: {shown}, and 1,229 more (1,234 in all); mend it", "b: row 0 (valid: c)", "c", "d"]
    merged = Problems()
    merged.merge(problems)
    assert merged.lines() == problems.lines()
