"""What all trials read."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a corpus and an encoder."""
    return tmp_path_factory.mktemp("home")
