"""The page of the scaling benchmark, and its stages that need no file."""

from pathlib import Path

import pytest

from benchmarks.scaling import exponent, page
from benchmarks.scaling_stages import STAGES, Made


def test_exponents() -> None:
    found = {str(rows): {"seconds": rows**1.5 / 1e3, "mib": 1} for rows in (10, 100, 1000)}
    assert exponent(found) == "1.50"
    assert exponent({"10": {"seconds": 1.0, "mib": 1}}) == ""


def test_the_page_has_a_table_for_each_size() -> None:
    stages = {"reading": {"1000": {"seconds": 1.0, "mib": 10}, "10000": {"seconds": 10.0, "mib": 2000}}}
    text = page({"1 x 3": stages, "16 x 20": {}, "machine": {"cores": 2, "load": 0.5}})
    assert "| reading | 1.00 s, 10 MiB | 10.00 s, 2,000 MiB | 1.00 |" in text
    assert "## 1 task of 3 classes" in text
    assert "## 16 tasks of 20 classes" in text


@pytest.mark.parametrize("stage", ["sampler", "epoch start", "intervals"])
def test_stages_do_their_work(stage: str, tmp_path: Path) -> None:
    STAGES[stage](Made(tmp_path, 200, 2, 3))()
