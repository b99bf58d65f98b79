"""A trial: a command is killed at drawn moments, the user goes on, and the outcome is that of a command left alone."""

import json
import os
import random
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from polarity.run import RunDirectory
from polarity.run_files import is_run
from polarity.runs.ledger import ledger_of
from tests import command
from tests.faults.dying import PROGRAM
from tests.running import overrides
from tests.sameness import assert_same_runs

SEED = os.environ.get("FAULTS_SEED", "1")
"""Draws the moments; others with another one."""
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
SHARES = (6, 1, 1)
DEAD = ("stopped", "failed", "finished", "waiting")
"""States of a run that nobody works on."""
TRIED: list["Kill"] = []
"""By the test that runs: as many as its mark says (tests/faults/conftest.py), of which the README gives the sum."""


@dataclass(frozen=True)
class Outcome:
    """How a command has ended.

    :param moments: names of those that it went through; known of one that was left alone.
    """

    code: int
    said: str
    moments: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Kill:
    """When a command is killed, and how.

    :param at: the number of the moment, from 1, among those whose names have the piece ``among``.
    """

    at: int
    by: signal.Signals = signal.SIGKILL
    among: str = ""

    @property
    def codes(self) -> tuple[int, int]:
        """With which of these a command may end then: it is ended, or it has ended in good order."""
        return -self.by, 128 + self.by


def tell(what: str) -> None:
    """What is done to a command, for whoever sees the test fail."""
    sys.stderr.write(f"FAULTS_SEED={SEED} {what}\n")


def plan(folder: Path, kill: Kill | None, record: Path | None = None) -> str:
    """For :func:`tests.faults.dying.arm`: a folder is watched, and the process is killed, or left alone."""
    temp = folder / "temp"
    temp.mkdir(parents=True, exist_ok=True)
    TRIED.extend([kill] if kill else [])
    at, by, among = (kill.at, int(kill.by), kill.among) if kill else (None, 0, "")
    return json.dumps(
        {
            "temp": str(temp),
            "folder": str(folder),
            "at": at,
            "signal": by,
            "among": among,
            "record": None if record is None else str(record),
        }
    )


def attempt(folder: Path, verb: str, *arguments: str, kill: Kill | None = None, record: Path | None = None) -> Outcome:
    """Run a command in a process of its own, whose files all lie in ``folder``."""
    process = command.start(verb, *arguments, folder=folder.parent, words=("-c", PROGRAM, plan(folder, kill, record)))
    said, _ = process.communicate(timeout=command.PATIENCE)
    return Outcome(process.returncode, said, json.loads(record.read_text("utf-8")) if record else [])


def left_alone(folder: Path, verb: str, *arguments: str) -> Outcome:
    """A command that nothing happens to; it has to end well."""
    outcome = attempt(folder, verb, *arguments, record=folder.with_name(f"{folder.name}.moments"))
    assert outcome.code == 0, outcome.said
    return outcome


def killed(folder: Path, verb: str, *arguments: str, kill: Kill) -> None:
    """A command that something happens to."""
    tell(f"{verb} {' '.join(arguments)}: {kill}")
    outcome = attempt(folder, verb, *arguments, kill=kill)
    assert outcome.code in kill.codes, outcome.said


def kills(name: str, moments: Sequence[str], count: int, *, among: str = "") -> list[Kill]:
    """Drawn moments, one from each of ``count`` equal parts of a command, in their order.

    :param name: of what is tried: others get other moments.
    :param among: a piece of the names of those that are meant.
    """
    draw = random.Random(f"{SEED} {name}")
    total = sum(among in its for its in moments)
    assert total >= count, f"{name} has {total} moments of this kind"
    edges = [1 + total * part // count for part in range(count + 1)]
    return [Kill(draw.randrange(low, high), draw.choices(SIGNALS, SHARES)[0], among) for low, high in pairwise(edges)]


def line(home: Path, folder: Path, *settings: str) -> list[str]:
    """The command line of a run on the data of ``home`` that writes into ``folder`` alone."""
    usual = [text for text in overrides(home, rows=120) if not text.startswith(("output_dir=", "cache_dir="))]
    few = ("reporting.resamples=100", "trainer.log_every_n_steps=1")
    return [*usual, f"output_dir={folder / 'outputs'}", f"cache_dir={folder / 'cache'}", *few, *settings]


def runs_in(folder: Path) -> list[RunDirectory]:
    """The runs whose folders lie in that of all outputs."""
    return [RunDirectory(path) for path in sorted((folder / "outputs").glob("*")) if is_run(path)]


def what_a_user_types(folder: Path, first: list[str]) -> list[str]:
    """After a run was killed: ``resume=`` if it has left a folder, else the same line; nothing if it was at its end."""
    found = runs_in(folder)
    assert [run.status["state"] for run in found if run.status["state"] not in DEAD] == []
    if not found:
        return first
    (run,) = found
    return [] if run.status["state"] == "finished" else [f"resume={run.path}"]


def through(folder: Path, first: list[str], killed_by: Sequence[Kill]) -> RunDirectory:
    """A run that is killed again and again, goes on each time as a user would let it, and comes to its end."""
    for kill in killed_by:
        killed(folder, "train", *what_a_user_types(folder, first), kill=kill)
    words = what_a_user_types(folder, first)
    if words:
        left_alone(folder, "train", *words)
    (run,) = runs_in(folder)
    return run


def assert_undisturbed(reference: RunDirectory, run: RunDirectory) -> None:
    """A run ends as one that nothing has happened to: the same files, with the same weights, decisions and scores."""
    assert_same_runs(reference, run)
    assert files_of(reference) == files_of(run)
    for name in sorted(files_of(run)):
        if name.startswith(("model/", "predictions/", "baselines/")):
            assert (reference.path / name).read_bytes() == (run.path / name).read_bytes(), name
    assert metrics_of(reference) == metrics_of(run)
    assert_nothing_left(run.path)


def files_of(run: RunDirectory) -> set[str]:
    """What lies in a run's folder; loggers write into one of their own in each process."""
    found = (path.relative_to(run.path).as_posix() for path in run.path.rglob("*") if path.is_file())
    return {name for name in found if not name.startswith(("tensorboard", "csv"))}


def metrics_of(run: RunDirectory) -> object:
    """The scores without what time they took."""
    content = json.loads(run.metrics.read_text(encoding="utf-8"))
    del content["seconds"]
    return content


def assert_nothing_left(folder: Path) -> None:
    """Nothing half-written, and no temporary file."""
    assert [str(path) for path in folder.rglob("*") if path.suffix == ".part" or "answers" in path.parts] == []


def assert_one_look(run: RunDirectory) -> None:
    """The run has looked at the test split once."""
    looks = [path.read_text(encoding="utf-8").count("\n") for path in ledger_of(run.config).folder.glob("*.jsonl")]
    assert looks == [1]
