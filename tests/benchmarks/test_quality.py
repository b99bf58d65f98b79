"""The table of the quality benchmark."""

import json

from benchmarks.quality import RECORD, RESULTS, SETS, markdown


def test_the_table_is_that_of_the_record() -> None:
    record = json.loads(RECORD.read_text("utf-8"))
    assert set(record) <= set(SETS)
    assert RESULTS.read_text("utf-8") == markdown(record)


def test_the_recommended_recipes_are_above_the_linear_baseline_wherever_they_were_measured() -> None:
    """As the README says: the interval of each of their lines leaves out 0."""
    measured = {data: found["lines"] for data, found in json.loads(RECORD.read_text("utf-8")).items()}
    for recipe in ("experiment=recommended_frozen", "experiment=recommended"):
        lines = {data: line for data, found in measured.items() for line in found if line["recipe"] == recipe}
        assert set(lines) == set(SETS)
        assert all(len(line["scores"]) >= 3 and line["better"][0][1] > 0 for line in lines.values())
