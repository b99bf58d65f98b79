"""Columns as numbers: what is learnt of training rows, and what becomes of values that these do not have."""

import numpy as np
import pytest

from polarity.data.features import FAR, KINDS, MOST, Category, Date, Feature, Number, feature_from


def test_a_category_has_places_for_known_values_for_others_and_for_missing_ones() -> None:
    feature = Category.learn(["a", " a", "b", "b", "rare", ""])
    assert feature.width == 4
    a, b, rare, unseen, missing = feature.encode(["a ", "b", "rare", "never", " "])
    assert sorted([a.tolist(), b.tolist()]) == [[0, 1, 0, 0], [1, 0, 0, 0]]
    assert rare.tolist() == unseen.tolist() == [0, 0, 1, 0]
    assert missing.tolist() == [0, 0, 0, 1]
    assert "a" not in feature.to_dict()["marks"], "values are kept as hashes"


def test_what_no_training_row_has_says_nothing() -> None:
    feature = Category.learn(["a", "a", "b", "b"])
    assert feature.width == 2
    assert not feature.encode(["never", ""]).any()
    assert Number.learn(["1", "3"]).encode([""]).tolist() == [[0]]


def test_only_the_most_frequent_values_have_places() -> None:
    cells = [str(value) for value in range(MOST + 5) for _ in range(2)] + ["0"]
    feature = Category.learn(cells)
    assert feature.width == MOST + 1
    assert feature.encode(["0"])[0, :MOST].sum() == 1
    assert feature.encode([str(MOST + 4)])[0, MOST] == 1


def test_numbers_are_standardised_by_training_rows_and_cut_off_far_away() -> None:
    feature = Number.learn(["1", "3", "", " 5e0"])
    deviation = np.std([1, 3, 5])
    wanted = [[(4 - 3) / deviation, 0], [0, 1], [FAR, 0], [-FAR, 0]]
    np.testing.assert_allclose(feature.encode(["4", "", "1e30", "-1e30"]), wanted, rtol=1e-6)


@pytest.mark.parametrize("size", ["1e-300", "1e-200", "1", "1e200", "1e307"])
def test_numbers_of_any_size_are_numbers(size: str) -> None:
    """Their squares may be too large or too small for a float."""
    cells = [f"{number}{size[1:]}" for number in (-9, -9, 3, 15)]
    encoded = Number.learn(cells).encode([*cells, "-1.7e308", "1.7e308", "0"])[:, 0]
    np.testing.assert_allclose(encoded[:4], [-0.9045, -0.9045, 0.3015, 1.5076], atol=1e-4)
    assert -FAR <= encoded[4] < -1 < encoded[6] < 1 < encoded[5] <= FAR
    largest = float(np.finfo(float).max)
    assert Number.learn([repr(largest)] * 3 + [repr(np.nextafter(largest, 0).item())]).width


def test_dates_are_days() -> None:
    feature = Date.learn(["2024-01-01", "2024-01-03"])
    encoded = feature.encode(["2024-01-02", "2024-01-03", "2024-01-03T12:00", "2024-01-03T14:00+02:00"])
    assert encoded[:, 0].tolist() == [0, 1, 1.5, 1.5]


@pytest.mark.parametrize(
    ("kind", "cells", "bad"),
    [
        (Number, ["1", "", "one", "nan", "inf", "-2.5", "1_000"], [2, 3, 4, 6]),
        (Date, ["2024-02-30", "2024-02-29", "", "yesterday", "9999-12-31T23:59-23:59"], [0, 3]),
        (Category, ["", "\N{PILE OF POO}"], []),
    ],
)
def test_cells_that_say_nothing_are_found(kind: type[Feature], cells: list[str], bad: list[int]) -> None:
    found = kind.unreadable(cells)
    assert [row for row in found if row != 4 or kind is Number] == bad


@pytest.mark.parametrize(
    ("cell", "advice"),
    [
        ("3,5", "write a decimal point"),
        ("1.100,25", "write a decimal point"),
        ("1,100,250.5", "write thousands without a comma"),
        ("1,100", "write a decimal point or thousands without a comma"),
        ("one", ""),
    ],
)
def test_what_a_comma_may_stand_for(cell: str, advice: str) -> None:
    """1,100 read as 1.1 would be a thousandth of it."""
    assert Number.advice([cell]) == advice


@pytest.mark.parametrize(
    ("cells", "advice"),
    [
        (["n/a", "3,5"], "write a decimal point"),
        (["1,100", "n/a", "3,5"], "write a decimal point"),
        (["1,100", "1,100,250"], "write thousands without a comma"),
        (["3,5", "1,100,250"], "write a decimal point or thousands without a comma"),
        (["n/a", "one"], ""),
        ([], ""),
    ],
)
def test_advice_is_that_for_all_cells(cells: list[str], advice: str) -> None:
    assert Number.advice(cells) == advice


@pytest.mark.parametrize("kind", KINDS.values())
def test_columns_that_say_the_same_everywhere_are_no_features(kind: type[Feature]) -> None:
    same = "2024-01-01" if kind is Date else "7"
    assert kind.learn([same] * 3).width == 0
    assert kind.learn([""] * 3).width == 0
    assert kind.learn([same, same, same, ""]).width == (2 if kind is Category else 1)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_learnt_comes_back(kind: str) -> None:
    cells = ["2024-01-01", "2024-01-01", "2024-01-09", ""] if kind == "date" else ["1", "1", "2", ""]
    feature = KINDS[kind].learn(cells)  # type: ignore[index]
    again = feature_from(kind, feature.to_dict())
    assert np.array_equal(again.encode(cells), feature.encode(cells))
