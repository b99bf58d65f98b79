"""The table of the quality benchmark."""

import json

from benchmarks.quality import RECORD, RESULTS, SETS, markdown


def test_the_table_is_that_of_the_record() -> None:
    record = json.loads(RECORD.read_text("utf-8"))
    assert set(record) <= set(SETS)
    assert RESULTS.read_text("utf-8") == markdown(record)
