"""Counts and their nouns agree everywhere, by one helper."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import polarity
from polarity.wording import out_of, percent, points, times

PACKAGE = Path(polarity.__file__).parent
NOUN_BEHIND = re.compile(r" (?:[a-z-]+ ){0,2}?(?!has\b|is\b|was\b|as\b|this\b|less\b|others\b)[a-z]{3,}s\b")
COUNTS = re.compile(r"\blen\(|\.count\(|\.sum\(|\.max\(\)| [+-] 1\b|:,")


@pytest.mark.parametrize(("number", "text"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (3555, "3,555 rows")])
def test_a_noun_agrees_with_its_number(number: int, text: str) -> None:
    assert times(number, "row") == text


def test_irregular_nouns_and_verbs_agree_as_well() -> None:
    assert [times(n, "exact copy", "exact copies") for n in (1, 2)] == ["1 exact copy", "2 exact copies"]
    assert out_of(1, 40, "row", "has", "have") == "1 of 40 rows has"
    assert out_of(1, 1, "row", "has", "have") == "1 of 1 row has"
    assert out_of(12, 40, "row", "has", "have") == "12 of 40 rows have"
    assert [points(value) for value in (0.01, 0.005, -0.02)] == ["1 point", "0.5 points", "-2 points"]


def test_what_is_there_is_not_rounded_to_nothing_nor_to_all() -> None:
    assert [percent(share) for share in (0, 0.004, 0.12, 0.996, 1)] == ["0%", "under 1%", "12%", "over 99%", "100%"]
    assert [percent(share, 1) for share in (0, 4e-4, 0.004, 0.9996)] == ["0.0%", "under 0.1%", "0.4%", "over 99.9%"]


def counted_by_hand(source: str) -> Iterator[str]:
    """Counts that stand before a plural, in an f-string that does not look at them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            for value, behind in zip(node.values, node.values[1:], strict=False):
                if isinstance(value, ast.FormattedValue) and isinstance(behind, ast.Constant):
                    shown = ast.unparse(ast.JoinedStr([value]))
                    constant = isinstance(value.value, ast.Name) and value.value.id.isupper()
                    agrees = "times(" in shown or "out_of(" in shown or re.search(r":[,]?\.\d", shown)
                    if COUNTS.search(shown) and not constant and not agrees and NOUN_BEHIND.match(str(behind.value)):
                        yield f"{shown} {behind.value}"


@pytest.mark.parametrize("text", ['f"{len(rows)} rows"', 'f"of {n:,} labelled rows"', 'f"{n + 1} epochs"'])
def test_what_would_say_1_rows_is_noticed(text: str) -> None:
    assert list(counted_by_hand(text))


def test_no_text_counts_by_hand() -> None:
    sources = {path: path.read_text("utf-8") for path in PACKAGE.rglob("*.py") if path.name != "wording.py"}
    wrong = [
        f"{path.relative_to(PACKAGE)}: {text}" for path, source in sources.items() for text in counted_by_hand(source)
    ]
    assert not wrong, "\n".join(wrong)


VALUE_IN_COMMAND = re.compile(r"""python -m polarity\.\w+ [^"'`]*\{(?!resuming\()""")


def test_no_command_holds_a_value_that_a_shell_might_take_apart() -> None:
    """A path with a space in it, for instance; :func:`polarity.quoting.command_line` writes it as a shell takes it."""
    bare = [path.name for path in PACKAGE.rglob("*.py") if VALUE_IN_COMMAND.search(path.read_text("utf-8"))]
    assert bare == []
