"""The end of a multirun: one table of all jobs, and a non-zero exit if any is not finished."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from polarity.config.launcher import LauncherSettings
from polarity.sweeps.folder import Sweep

_UNENDED: list[Path] = []
"""The folder of the sweep that goes on in this process."""


class SweepTable(Callback):
    """Hydra calls this around a multirun."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Remember which sweep goes on."""
        _UNENDED.append(Path(str(config.hydra.sweep.dir)))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Print the table and write it beside the jobs as ``jobs.csv``."""
        if exit_code(Sweep.open(_UNENDED.pop()), LauncherSettings(config.hydra.launcher)):
            sys.exit(1)


def exit_code(sweep: Sweep, launcher: LauncherSettings) -> int:
    """Print the table; 1 if a job is not finished, unless the launcher was told not to wait for them."""
    from polarity.sweeps.table import print_jobs  # imports what compares runs, which a single run does not need

    unfinished = print_jobs(sweep)
    return int(unfinished > 0 and launcher.wait)


@contextmanager
def table_whenever_it_ends(folder: Path | None = None) -> Iterator[None]:
    """Print the table of what is finished also of a sweep that a signal ends, within a job or between two.

    :param folder: of the sweep, if Hydra does not tell.
    """
    try:
        yield
    except (SystemExit, KeyboardInterrupt):
        if folder or _UNENDED:
            from polarity.sweeps.table import print_jobs

            print_jobs(Sweep.open(folder or _UNENDED.pop()))
        raise
