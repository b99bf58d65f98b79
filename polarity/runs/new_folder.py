"""A finished run's folder that is made in one go."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from polarity.content import Config
from polarity.parts import unfinished
from polarity.run import RunDirectory

TAKEN = {errno.EEXIST, errno.ENOTEMPTY}
"""What the system says of a folder that another process has just moved to the same place."""


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
        run.path = _moved(run.path, root)


def _moved(made: Path, root: Path) -> Path:
    """Into a folder of that name, or of the first one with a number that nobody else has taken, even in this moment.

    In one step: a process that is killed leaves no empty folder that looks like a run's.
    """
    for number in count(1):
        target = root / (made.name if number == 1 else f"{made.name}-{number}")
        if target.exists():
            continue
        try:
            return made.rename(target)
        except OSError as error:
            if error.errno not in TAKEN:
                raise
    raise AssertionError
