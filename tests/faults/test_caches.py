"""A process is killed while it builds a cache; the next one finds it whole, or builds it."""

from pathlib import Path

import pytest

from tests.faults.trial import (
    assert_nothing_left,
    assert_undisturbed,
    kills,
    left_alone,
    line,
    runs_in,
    through,
)

pytestmark = pytest.mark.faults

TURNS = 3
PARTS = {"tokens": "cache/.", "vectors": "cache/vectors", "ledger": "cache/ledger", "baselines": "cache/baselines"}
"""How the names of their moments are known; in the order in which they are built."""
SETTINGS = ("model.freeze=encoder", "trainer.max_epochs=1")


@pytest.fixture(scope="module")
def reference(home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("reference") / "trial"
    return folder, left_alone(folder, "train", *line(home, folder, *SETTINGS)).moments


def arrays(folder: Path) -> dict[str, bytes]:
    """What the caches hold."""
    cache = folder / "cache"
    return {path.relative_to(cache).as_posix(): path.read_bytes() for path in cache.rglob("*.npy")}


@pytest.mark.kills(len(PARTS))
@pytest.mark.parametrize("turn", range(TURNS))
def test_a_cache_whose_builder_was_killed_is_whole_after_the_next(
    turn: int, reference: tuple[Path, list[str]], home: Path, tmp_path: Path
) -> None:
    folder, (whole, moments) = tmp_path / "trial", reference
    each = [kills(part, moments, TURNS, among=among)[turn] for part, among in PARTS.items()]
    run = through(folder, line(home, folder, *SETTINGS), each)
    assert_undisturbed(runs_in(whole)[0], run)
    assert arrays(folder) == arrays(whole)
    assert_nothing_left(folder)
