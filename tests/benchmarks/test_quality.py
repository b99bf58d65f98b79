"""The table of the quality benchmark."""

import json
from pathlib import Path

import pytest

from benchmarks.quality import RESULTS, SETS, corrected, markdown

OTHERS = [RESULTS.with_stem(f"quality_{name}") for name in ("trainer", "recommended")]


@pytest.mark.parametrize("table", [RESULTS, *OTHERS], ids=lambda path: path.stem)
def test_the_table_is_that_of_the_record(table: Path) -> None:
    record = json.loads(table.with_suffix(".json").read_text("utf-8"))
    assert set(record) <= set(SETS)
    assert table.read_text("utf-8") == markdown(record)


def test_rivals_that_were_not_measured_on_a_set_are_said_not_to_be() -> None:
    line = {"recipe": "a", "scores": [0.5], "better": [[0.1, 0.0, 0.2]] * 4}
    about = {"train": 10, "machine": {}, "rivals": [0.4] * 3}
    ways = ["experiment=finetuned", "Trainer of transformers with mpnet, a task at a time"]
    found = {data: {**about, "single": [way], "lines": [line]} for data, way in zip(SETS, ways, strict=False)}
    heading, _, *rows = [line for line in markdown(found).splitlines() if line.startswith("|")]
    assert heading.endswith("| above experiment=finetuned | above Trainer of transformers with mpnet |")
    assert rows[0].endswith("| +10.0 (+0.0 to +20.0) | not measured |")
    assert rows[1].endswith("| not measured | +10.0 (+0.0 to +20.0) |")


def test_differences_are_corrected_for_their_number() -> None:
    """By Holm: z of 2.58 is p = 0.0099, which two comparisons leave below 0.05, and ten do not; 0 to 0 is none."""
    clear, itself, vague = (0.0258, 0.0258 - 0.0196, 0.0258 + 0.0196), (0.0, 0.0, 0.0), (0.001, -0.0186, 0.0206)
    assert corrected([clear, itself, vague]) == [True, False, False]
    assert corrected([clear, *[vague] * 9]) == [False] * 10
    assert corrected([(-0.5, -0.6, -0.4), *[vague] * 9]) == [True, *[False] * 9]


def test_the_recommended_recipes_are_above_the_linear_baseline_wherever_they_were_measured() -> None:
    """As the README says: the interval of each of their lines leaves out 0."""
    for recipe, table in (("experiment=recommended_frozen", RESULTS), ("experiment=recommended", OTHERS[-1])):
        measured = json.loads(table.with_suffix(".json").read_text("utf-8"))
        lines = {data: line for data, found in measured.items() for line in found["lines"] if line["recipe"] == recipe}
        assert set(lines) == set(SETS)
        assert all(len(line["scores"]) >= 3 and line["better"][0][1] > 0 for line in lines.values())
