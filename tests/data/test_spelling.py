"""Names that look alike: the reason why they are not equal is told."""

import pytest

from polarity.data.presence import alike_notes
from polarity.data.spelling import near_equal, similar_names
from polarity.errors import nearest
from polarity.tasks import Task


@pytest.mark.parametrize(
    ("name", "other", "reason"),
    [
        ("Yes", "yes", "in upper and lower case"),
        ("ye s", "yes", "in blanks"),
        ("y\u00a0es", "yes", "in blanks"),
        ("01", "1", "in how the number is written"),
        ("1.0", "1", "in how the number is written"),
        ("9007199254740993.0", "9007199254740993", "in how the number is written"),
        ("1e400", "10E+399", "in how the number is written"),
        ("y\u200bes", "yes", "in characters that cannot be seen"),
        ("\ufb01ne", "fine", "in how its characters are composed"),
        ("Y\u200b es", "yes", "in case, blanks, number format or unseen characters"),
    ],
)
def test_the_reason_is_reported(name: str, other: str, reason: str) -> None:
    assert near_equal(name, ["no", other]) == f"it differs from {other!r} only {reason}"
    assert similar_names(["no", other, name]) == [(other, name)]


def test_numbers_that_differ_in_a_late_digit_are_others() -> None:
    assert near_equal("9007199254740993", ["9007199254740992", "1e400", "2e400"]) == ""


@pytest.mark.parametrize("name", ["yes", "maybe", "2", ""])
def test_other_names_are_other_names(name: str) -> None:
    assert near_equal(name, ["yes", "no", "1"]) == ""
    assert similar_names(["yes", "no", "1", "maybe"]) == []


def test_a_name_that_looks_the_same_is_told_apart_where_it_is_meant() -> None:
    hint = "; did you mean 'Gro\u0308\u00dfe', whose characters are composed otherwise? (columns: Gro\u0308\u00dfe)"
    assert nearest("Gr\u00f6\u00dfe", ["Gro\u0308\u00dfe"], what="columns") == hint
    assert nearest("Gr\u00f6sse", ["Gr\u00f6\u00dfe"]).startswith("; did you mean 'Gr\u00f6\u00dfe'? ")
    assert nearest("Text", ["text"]).startswith("; did you mean 'text'? ")


def test_classes_that_look_alike_are_noted() -> None:
    (note,) = alike_notes([Task("stance", ("yes", "no", "Yes"), "stance"), Task("tone", ("1", "2"), "tone")])
    assert note == "task 'stance': the classes 'yes' and 'Yes' look alike; are they one?"
