"""A finished run's folder that is made in one go."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from polarity.content import Config
from polarity.parts import unfinished
from polarity.run import RunDirectory


@contextmanager
def new_folder(root: Path, config: Config, overrides: list[str]) -> Iterator[RunDirectory]:
    """A run's folder to fill, which takes its place in ``root`` if the block ends well, and is removed if not."""
    with unfinished(root / "new") as part:
        part.mkdir()
        run = RunDirectory.create(part, config, overrides)
        try:
            yield run
        finally:
            run.lock.release()
        target, number = root / run.path.name, 1
        while target.exists():
            number += 1
            target = root / f"{run.path.name}-{number}"
        run.path.rename(target)
        run.path = target
