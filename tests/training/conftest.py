"""Figures take more time than the training of a tiny model, and are drawn in tests/reports/."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure


@pytest.fixture(scope="module", autouse=True)
def _no_figures() -> Iterator[None]:
    def touch(figure: Figure, path: Path, **settings: Any) -> None:
        path.touch()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", touch)
        yield
