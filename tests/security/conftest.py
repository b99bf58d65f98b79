"""A finished run of a tiny model, and copies of it at another place that may be tampered with."""

import shutil
from pathlib import Path

import pytest

from polarity.run import RunDirectory
from tests.running import train

SHORT = ("trainer.max_epochs=1", "reporting.resamples=100")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(tmp_path_factory.mktemp("run"), *SHORT)


@pytest.fixture
def moved(finished: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """The run as somebody else gets it: another folder, another working directory."""
    monkeypatch.chdir(tmp_path)
    return RunDirectory(shutil.copytree(finished.path, tmp_path / "received" / "run"))
