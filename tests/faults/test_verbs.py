"""Verbs that read a run are killed at any moment; the same line again gives what it would have given."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from polarity.run import RunDirectory
from tests.faults.trial import assert_nothing_left, killed, kills, left_alone, line, runs_in

pytestmark = pytest.mark.faults

TURNS = 6
VERBS = {"evaluate": "", "predict": "", "baseline": "told/"}
"""A piece of the names of the moments that are meant: a baseline is learnt once, whatever the second command does."""
OTHERWISE = ("time", "run", "notes")
"""What is not the same each time: the last say how long it took, and how often a command has looked at test."""


@pytest.fixture(scope="module")
def finished(home: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = tmp_path_factory.mktemp("finished") / "trial"
    left_alone(folder, "train", *line(home, folder, "trainer.max_epochs=1", "reporting.baselines=false"))
    (run,) = runs_in(folder)
    return run


def copied(run: RunDirectory, folder: Path) -> Path:
    """A run that may be evaluated, with nothing but its folder in ``folder``."""
    return Path(shutil.copytree(run.path, folder / "outputs" / "run"))


def content(folder: Path, place: Path) -> dict[str, Any]:
    """What lies in a folder, without times and places.

    :param place: that of all files, which may be named in them.
    """
    found: dict[str, Any] = {}
    for path in folder.rglob("*"):
        if path.name in ("metrics.json", "baselines.json"):
            known = json.loads(path.read_text("utf-8"))
            found[path.name] = {name: value for name, value in known.items() if name not in OTHERWISE}
        elif path.is_file() and not path.name.endswith(".lock"):
            found[path.relative_to(folder).as_posix()] = path.read_bytes().replace(str(place).encode(), b"")
    return found


@pytest.fixture(scope="module")
def whole(
    finished: RunDirectory, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[dict[str, Any], list[str]]]:
    """What each verb gives when it is left alone, and its moments."""
    found = {}
    for verb in VERBS:
        folder = tmp_path_factory.mktemp(verb) / "trial"
        command, result = asked(verb, finished, home, folder)
        outcome = left_alone(folder, verb, *command)
        given = content(result, folder)
        assert given, f"{verb} gives nothing that could be compared"
        found[verb] = (given, outcome.moments)
    return found


def asked(verb: str, finished: RunDirectory, home: Path, folder: Path) -> tuple[list[str], Path]:
    """A command, and the folder with what it gives."""
    if verb == "baseline":
        data = [text for text in line(home, folder) if text.startswith(("data", "cache_dir"))]
        return [*data, f"output={folder / 'told'}"], folder / "told"
    run = copied(finished, folder)
    if verb == "evaluate":
        return [f"run={run}", "split=test", "accelerator=cpu"], run / "evaluations"
    (folder / "told").mkdir()
    several = [f"input={home / 'corpus.csv'}", f"output={folder / 'told' / 'told.csv'}", "chunk_rows=20"]
    return [f"run={run}", *several, "accelerator=cpu"], folder / "told"


@pytest.mark.kills(TURNS // 2)
@pytest.mark.parametrize("turn", range(2))
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_was_killed_gives_the_same_by_the_same_line(
    verb: str, turn: int, whole: dict[str, Any], finished: RunDirectory, home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "trial"
    command, result = asked(verb, finished, home, folder)
    given, moments = whole[verb]
    for kill in kills(verb, moments, TURNS + 1, among=VERBS[verb])[turn:TURNS:2]:  # later ones find folders made
        if not (folder / "told" / "told.csv").exists():
            killed(folder, verb, *command, kill=kill)
    if not (folder / "told" / "told.csv").exists():  # else it is refused: the file is there, whole
        left_alone(folder, verb, *command)
    assert content(result, folder) == given
    assert_nothing_left(folder)
    assert list((folder / "temp").iterdir()) == []
