"""Finished runs to predict with."""

import pytest

from polarity.run import RunDirectory
from tests.running import train


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run on single texts."""
    return train(tmp_path_factory.mktemp("predict"))


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run on text pairs; the first text is the column "source"."""
    return train(tmp_path_factory.mktemp("predict-pairs"), "data.context=source")
