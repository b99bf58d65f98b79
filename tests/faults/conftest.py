"""What all trials read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import trial


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a corpus and an encoder."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _as_many_kills_as_said(request: pytest.FixtureRequest) -> Iterator[None]:
    """The README's number is the sum of what the tests are marked with."""
    trial.TRIED.clear()
    yield
    mark = request.node.get_closest_marker("kills")
    assert len(trial.TRIED) == (mark.args[0] if mark else 0)
