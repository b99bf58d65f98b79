"""Names of the data in a model card mean themselves."""

import pytest

from polarity.exporting.card import classes_cell, shares_cell
from polarity.exporting.markdown import plain

HOSTILE = [
    "<script>x</script>",
    "[link](http://x)",
    "![i](y)",
    "a|b",
    "`code`",
    "*bold*",
    "~~x~~",
    "a\n# heading",
    "---\n",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_is_left_that_markdown_or_html_reads(name: str) -> None:
    shown = plain(name)
    assert not set(shown) & set("<>[]|`*~\n\\")
    assert shown.count("&") == shown.count(";")


@pytest.mark.parametrize("name", ["non_polarized", "yes", "ใช่", "für", "1/2", "C#"])
def test_usual_names_stay_as_they_are(name: str) -> None:
    assert plain(name) == name


def test_what_steers_a_terminal_is_shown() -> None:
    assert plain("a\x1b[31mb\u202e") == "a&#92;x1b&#91;31mb&#92;u202e"


def test_classes_stand_as_they_are() -> None:
    assert classes_cell(["a|b", 'it\'s "bad", no']) == 'a&#124;b, “it\'s "bad", no”'


def test_values_that_are_not_named_are_counted() -> None:
    rare = [f"l{number}" for number in range(11, 0, -1)]
    assert shares_cell([*rare, "en", "en", ""]) == (
        "en 14%, l11 7%, l10 7%, l9 7%, l8 7%, l7 7%, l6 7%, l5 7%, l4 7%, l3 7% and 3 more"
    )
    assert shares_cell(["en"] * 399 + ["de"]) == "en over 99%, de under 1%"
    assert shares_cell(["", "en", "en"]) == "en 67%, unknown 33%"
