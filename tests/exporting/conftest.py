"""Finished runs to export."""

import pytest

from polarity.run import RunDirectory
from tests.running import train


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run on single texts, with trunk and hidden layers."""
    folder = tmp_path_factory.mktemp("export")
    return train(folder, "head=deep", "head.trunk_width=8", "head.trunk_dropout=0.1", "decision.standard_errors=null")


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run on text pairs; the first text is the column "source"."""
    return train(tmp_path_factory.mktemp("export-pairs"), "data.context=source", "batching.max_context=0.1")
