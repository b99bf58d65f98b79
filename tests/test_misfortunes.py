"""Whatever the system refuses, a verb ends in good order: a line that names it, no traceback, nothing half written."""

import os
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from polarity.run import RunDirectory
from polarity.sweeps.folder import AskedSweep, Sweep
from tests.presets import VERBS
from tests.running import overrides, train, twin
from tests.verbs import outcome_of, said_by, schema_of

SETTINGS = {verb: schema_of(verb).__dataclass_fields__ for verb in VERBS}
READERS = [verb for verb in VERBS if {"run", "runs"} & set(SETTINGS[verb])]
"""Verbs that read a run's folder."""
QUICKLY = ("evaluate", "predict")
"""Verbs that are used the most."""
FILES = ("predict", "sweep")
"""Verbs that write one file."""
FOLDERS = [
    "train", *(verb for verb in VERBS if {"output", "output_dir"} & set(SETTINGS[verb]) and verb not in FILES)
]  # fmt: skip
"""Verbs that write into a folder of the user's choice."""


def slowly(verbs: list[str]) -> list[Any]:
    """All but those that are used the most wait for the slow suite."""
    return [pytest.param(verb, marks=[] if verb in QUICKLY else [pytest.mark.slow]) for verb in verbs]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(tmp_path_factory.mktemp("run"), "reporting.baselines=false", "trainer.max_epochs=1")


@pytest.fixture
def run(finished: RunDirectory, tmp_path: Path) -> RunDirectory:
    return RunDirectory(shutil.copytree(finished.path, tmp_path / "outputs" / finished.path.name))


def arguments(verb: str, run: RunDirectory, home: Path, output: Path) -> list[str]:
    """A command line that works.

    :param home: the folder that the run was made in, with its data.
    """
    usual = [text for text in overrides(home) if text.startswith(("data", "cache_dir"))]
    other = run.path.with_name("other")
    if "runs" in SETTINGS.get(verb, ()) and not other.exists():
        twin(run, other)
    special = {
        "train": [*overrides(home), "trainer.max_epochs=1", f"output_dir={output}"],
        "predict": [f"run={run.path}", f"input={home / 'corpus.csv'}", f"output={output}", "output_format=csv"],
        "export": [f"run={run.path}", "format=hf", f"output={output}"],
        "compare": [str(run.path), str(other), "resamples=200", f"output={output}"],
        "refit": [f"run={run.path}", f"output_dir={output}"],
        "ensemble": [f"runs=[{run.path},{other}]", "gate=false", f"output_dir={output}"],
        "inspect": [*usual, "~model", "labels=false", f"output={output}"],
        "baseline": [*usual, f"output={output}"],
        "sweep": [str(around(run)), "best", f"output={output}.yaml"],
    }
    return special.get(verb, [f"run={run.path}"])


def around(run: RunDirectory) -> Path:
    """The folder of a sweep that has but this run."""
    sweep = Sweep(run.path.parent)
    sweep.ask(AskedSweep(str(run.path), "now", jobs={run.path.name: run.overrides}))
    return sweep.path


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "cache" not in path.parts}


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """The system refuses to write more than ``size`` bytes into any file, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("verb", [*FOLDERS, "predict"])
@pytest.mark.parametrize("place", ["file", "file/within"])
def test_an_output_that_cannot_be_made_is_refused_before_anything_is_computed(
    verb: str, place: str, finished: RunDirectory, run: RunDirectory, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("kept")
    command = arguments(verb, run, finished.path.parents[1], tmp_path / place)
    before = files(tmp_path)
    said = said_by(verb, *command, code=2)
    setting = "output_dir: " if f"output_dir={tmp_path / place}" in command else "output: "
    assert said.splitlines()[0].startswith(f"polarity.{verb}: 1 problem; nothing was started"), said
    assert setting in said
    assert str(tmp_path / "file") in said
    assert files(tmp_path) == before
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("verb", slowly(VERBS))
def test_a_full_disk_ends_a_verb_with_a_line_that_says_so(
    verb: str, finished: RunDirectory, run: RunDirectory, tmp_path: Path
) -> None:
    command = arguments(verb, run, finished.path.parents[1], tmp_path / "new")
    before = files(tmp_path)
    with no_file_above(300):
        code, said = outcome_of(verb, *command)
    assert code == (2 if "the cache cannot be written" in said else 1), said
    assert "File too large" in said.splitlines()[-1], said
    assert {path for path in files(tmp_path) - before if path.is_file() and path.stat().st_size > 300} == set()
    assert not [path for path in files(tmp_path) - before if path.suffix in (".part", ".html", ".json")]


@pytest.mark.parametrize(("verb", "size"), [("refit", 30_000), ("ensemble", 30_000), ("ensemble", 5_000)])
def test_a_disk_that_is_full_in_the_middle_of_a_model_is_told_as_such(
    verb: str, size: int, finished: RunDirectory, run: RunDirectory, tmp_path: Path
) -> None:
    """The tokenizer's and the weights' libraries have errors of their own for what the system refuses."""
    command = arguments(verb, run, finished.path.parents[1], tmp_path / "new")
    with no_file_above(size):
        said = said_by(verb, *command, *(["method=soup_uniform"] if verb == "ensemble" else []), code=1)
    assert said.splitlines()[-1].startswith(f"polarity.{verb}: failed: {tmp_path / 'new'}"), said
    assert said.splitlines()[-1].endswith(": File too large"), said
    assert files(tmp_path / "new") == set()


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_signal_ends_a_verb_in_good_order(
    verb: str,
    number: signal.Signals,
    finished: RunDirectory,
    run: RunDirectory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the moment in which the first file is written."""
    command = arguments(verb, run, finished.path.parents[1], tmp_path / "new")
    before, handlers = files(tmp_path), [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)]
    monkeypatch.setattr(os, "fsync", lambda _: os.kill(os.getpid(), number))
    code, said = outcome_of(verb, *command)
    assert (code, said.splitlines()[-1]) == (128 + number, f"polarity.{verb}: interrupted by {number.name}")
    assert not [path for path in files(tmp_path) - before if path.is_file() and path.suffix != ".lock"]
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)] == handlers


DAMAGED = ("status.json", "config.yaml", "overrides.yaml", "environment.json", "metrics.json", "model/config.json")
NOT_NEEDED = {"overrides.yaml", "environment.json", "model/config.json"}


@pytest.mark.parametrize("verb", slowly(READERS))
@pytest.mark.parametrize("content", ["{", *(pytest.param(content, marks=pytest.mark.slow) for content in ("[1]", ""))])
def test_a_damaged_run_is_refused_by_naming_the_file(
    verb: str, content: str, finished: RunDirectory, run: RunDirectory, tmp_path: Path
) -> None:
    command = arguments(verb, run, finished.path.parents[1], tmp_path / "new")
    for name in DAMAGED:
        path = run.path / name
        kept = path.read_bytes()
        path.write_text(content)
        before = files(tmp_path)
        code, said = outcome_of(verb, *command)
        assert code == 2 or content == "[1]" or name in NOT_NEEDED, f"{name}: {said}"
        assert code in (0, 2), f"{name}: {said}"
        assert code == 0 or str(path) in said, f"{name}: {said}"
        assert code == 0 or files(tmp_path) == before
        for made in files(tmp_path) - before:
            shutil.rmtree(made) if made.is_dir() else made.unlink(missing_ok=True)
        path.write_bytes(kept)


@pytest.mark.parametrize("verb", READERS)
def test_a_run_without_a_right_to_write_is_refused_where_something_is_written_into_it(
    verb: str, finished: RunDirectory, run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = arguments(verb, run, finished.path.parents[1], tmp_path / "new")
    monkeypatch.setattr(os, "access", lambda *_: False)
    said = said_by(verb, *command, code=2)
    assert "nothing can be written into" in said
