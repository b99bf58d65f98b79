"""What is counted on real data sets is what their cards say."""

from pathlib import Path

import pytest

from polarity.data.limit import Limit
from polarity.inspection.inspector import Inspector
from polarity.inspection.result import Inspection
from tests.baselines.shared import shared_corpus

COUNTS = {
    "newsframe": {
        ("sentiment", "train"): {"neutral": 2148, "negative": 2141, "positive": 1574, "missing": 2420},
        ("sentiment", "val"): {"neutral": 460, "negative": 457, "positive": 338, "missing": 518},
        ("polarization", "test"): {"objective": 222, "non_polarized": 183, "partisan": 114, "missing": 1255},
    },
    "vader_ground_truth": {
        ("sentiment", "train"): {"positive": 7192, "negative": 6420, "neutral": 2981, "missing": 0},
        ("consensus", "test"): {"agreed": 2440, "mixed": 856, "contested": 258, "missing": 0},
    },
    "xlmt": {("sentiment", "test"): {"negative": 2320, "neutral": 2320, "positive": 2320, "missing": 0}},
}


def inspected(name: str, cache: Path) -> Inspection:
    inspector = Inspector(
        model=None,
        max_length=128,
        max_context=0.5,
        groups=None,
        language=None,
        labels=False,
        folds=5,
        repeats=1,
        seed=0,
        most=20,
        texts=True,
        cache=cache,
    )
    return inspector.inspect(shared_corpus(name), Limit(train=None, val=None, test=None))


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_those_of_the_card(name: str, tmp_path: Path) -> None:
    result = inspected(name, tmp_path)
    tasks = {task.task: task for task in result.counts}
    for (task, split), wanted in COUNTS[name].items():
        assert {**tasks[task].rows[split], "missing": tasks[task].missing[split]} == wanted
    if name == "newsframe":
        assert (result.duplicates.linked, result.duplicates.rows) == (21, 42)
        assert {task: sum(kinds.values()) for task, kinds in result.conflicts.groups.items()} == {
            "sentiment": 4,
            "polarization": 3,
        }
        assert result.joint[0].total == 0
    if name == "xlmt":
        assert result.languages is not None
        assert {language: rows["test"] for language, rows in result.languages.rows.items()} == dict.fromkeys(
            ("ar", "de", "en", "es", "fr", "hi", "it", "pt"), 870
        )
        assert any(finding.level == "stop" for finding in result.findings)
