"""What the benchmark of start-up measures exists, and is measured as whole processes."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.startup import VERBS, commands, seconds, table
from tests import presets


def test_every_verb_is_measured(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.json").write_text("{}")
    assert {words[1].removeprefix("polarity.") for words in commands(tmp_path).values() if words[0] == "-m"} == {
        "train",
        *presets.VERBS,
    }
    assert sorted(VERBS) == presets.VERBS


def test_a_process_that_sleeps_takes_time_but_no_processor() -> None:
    clock, processor = seconds(("-c", "import time; time.sleep(0.3)"))
    assert clock > 0.3
    assert processor < clock
    assert "| `sleep` | 0.40 | 0.30 to 0.50 | 0.02 | 0.01 to 0.03 |" in table(
        {"sleep": [(0.3, 0.01), (0.4, 0.02), (0.5, 0.03)]}
    )


def test_a_process_that_ends_otherwise_than_it_should_is_not_measured() -> None:
    """A wrong setting that is taken, or a verb that breaks, takes some other time."""
    seconds(("-c", "exit(2)", "nonsense=1"))
    for words in (("-c", "exit(1)"), ("-c", "exit(0)", "nonsense=1"), ("-c", "exit(1)", "seed=-1", "loss.gamma=x")):
        with pytest.raises(subprocess.CalledProcessError):
            seconds(words)
