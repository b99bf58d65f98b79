"""Rows that are taken out of all rows."""

import pytest

from polarity.data.rows import evenly


@pytest.mark.parametrize(
    ("count", "most", "numbers"), [(0, 3, []), (1, 3, [0]), (3, 5, [0, 1, 2]), (5, 3, [0, 2, 4]), (9, 1, [0])]
)
def test_rows_are_taken_from_all_over(count: int, most: int, numbers: list[int]) -> None:
    assert evenly(count, most).tolist() == numbers
