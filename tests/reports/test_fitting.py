"""Tables on narrow terminals: every line fits, no number is split, and what is left out is said."""

import io
import re
from itertools import product

import pytest
from rich.console import Console
from rich.table import Table

from polarity.reports.fitting import fit_to_width


def shown(table: Table, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(fit_to_width(table, width), markup=False, highlight=False)
    return out.getvalue()


def scores(tasks: int) -> Table:
    table = Table("decision", "overall", *(f"a_task_with_a_name_{n}" for n in range(tasks)), title="val")
    for name in ("uncalibrated (argmax of the raw logits)", "crossfit (cross-fitted: a rule that has not seen it)"):
        table.add_row(name, *(f"0.{n}234 [0.{n}100, 0.{n}345]" for n in range(tasks + 1)))
    return table


@pytest.mark.parametrize(("tasks", "width"), list(product((1, 2, 5, 12), (60, 80, 100, 140))))
def test_every_line_fits_and_numbers_stay_whole(tasks: int, width: int) -> None:
    text = shown(scores(tasks), width)
    assert max(map(len, text.splitlines())) <= width
    whole = {f"0.{n}234" for n in range(tasks + 1)}
    left = re.search(r"no room for: ([^\n]*(?:\n[^\n]+)*)", text)
    expected = tasks + 1 - (left.group(1).count("a_task_with") if left else 0)
    assert len({number for number in whole if text.count(number) >= 2}) == expected
    assert "…" not in text
    if "]" not in text or text.count("[") < 2 * (tasks + 1):
        assert "no room" in text


def test_a_table_that_has_room_stays_as_it_is() -> None:
    table = scores(1)
    assert fit_to_width(table, 140) is table


def test_f1_keeps_its_interval_longest() -> None:
    table = Table("task", "class", "precision", "recall", "F1", "support")
    table.add_row("sentiment", "negative", *["0.7574 [0.7332, 0.7800]"] * 3, "1377")
    text = shown(table, 80)
    assert text.count("0.7574") == 3
    assert text.count("[0.7332, 0.7800]") == 1
    assert max(map(len, text.splitlines())) <= 80


def test_texts_wrap_before_numbers_lose_anything() -> None:
    table = Table("folder", "changed", "overall")
    table.add_row("2026-01-31_12-00-00-1a2b3c4d", "loss=focal sampler.boosts.tone.none=1.5 seed=3", "0.7574 [0.7, 0.8]")
    text = shown(table, 80)
    assert "0.7574 [0.7, 0.8]" in text
    assert "no room" not in text
