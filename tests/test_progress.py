"""Whatever takes long shows that it goes on: a bar on a terminal, a line about every minute elsewhere."""

import os
import pty
import re
import time
from pathlib import Path
from select import select
from threading import Thread
from typing import Any

import pytest
from rich.console import Console

from polarity import progress as module
from polarity.progress import lines_to, progress, progress_line
from tests.running import train
from tests.verbs import said_by


@pytest.fixture
def every_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.02)


@pytest.mark.usefixtures("every_moment")
def test_lines_tell_the_innermost_of_what_goes_on() -> None:
    said: list[str] = []
    with lines_to(said.append), progress("report"):
        with progress("scoring", 4000) as advance:
            advance(1200)
            time.sleep(0.1)
        inner = len(said)
        time.sleep(0.1)
    over = len(said)
    time.sleep(0.05)
    assert len(said) == over
    assert all(re.fullmatch(r"    scoring: 1,200 of 4,000 rows, [\d,]+ rows/s, about 0 min left", line)
               for line in said[: inner - 1])  # fmt: skip
    assert said[inner + 1 :] == ["    report: 0 min so far"] * (over - inner - 1)
    assert over - inner > 1


def test_short_work_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with progress("scoring", 2) as advance:
        advance(2)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("done", "total", "seconds", "line"),
    [
        (1, 2, 60.0, "x: 1 of 2 models, 0.0 models/s, about 1 min left"),
        (1, 1, 0.0, "x: 1 of 1 model, 1,000,000,000 models/s, about 0 min left"),
        (3000, None, 100.0, "x: 3,000 models, 30 models/s"),
        (0, 7, 150.0, "x: 2 min so far"),
    ],
)
def test_what_a_line_says(done: int, total: int | None, seconds: float, line: str) -> None:
    assert progress_line("x", done, total, "model", seconds) == line


def test_a_terminal_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    leader, follower = pty.openpty()
    with open(follower, "w", encoding="utf-8") as terminal:  # noqa: PTH123
        monkeypatch.setenv("TERM", "xterm-256color")
        console = Console(file=terminal, width=100)
        monkeypatch.setattr(module, "_console", lambda: console)
        with progress("report"), progress("scoring", 4) as advance:
            advance(3)
            time.sleep(0.3)  # it is drawn ten times a second
        parts = [os.read(leader, 65536)]
        while select([leader], [], [], 0.2)[0]:
            parts.append(os.read(leader, 65536))
    os.close(leader)
    raw = b"".join(parts).decode()
    assert "scoring: 3 of 4 rows" in raw
    assert "report" in raw
    assert "━━━" in raw
    assert raw.rindex("\x1b[?25h") > raw.rindex("\x1b[?25l")  # the cursor is back


@pytest.mark.slow
def test_a_run_and_every_verb_show_that_they_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Teller(Thread):
        def __init__(self, name: str, **settings: Any) -> None:
            super().__init__(name=name, **settings)
            shown.append(name.partition(": ")[2])

    monkeypatch.setattr(module, "Thread", Teller)
    run = train(tmp_path, "trainer.max_epochs=1", "reporting.resamples=100")
    assert {"tokens", "model", "scoring val", "scoring test", "baselines", "linear models of tone", "report"} <= {
        *shown
    }
    verbs = {
        "report": {"writing the report"},
        "evaluate": {"evaluating", "scoring", "writing the report"},
        "export": {"exporting", "asking the folder"},
    }
    for verb, expected in verbs.items():
        shown.clear()
        said_by(verb, f"run={run.path}", *(["format=hf"] if verb == "export" else []))
        assert expected <= {*shown}, verb
