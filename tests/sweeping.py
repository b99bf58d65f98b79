"""Sweeps within this process, whose jobs are processes that a warm one forks."""

import os
from pathlib import Path
from unittest.mock import Mock, patch

from polarity.run import RunDirectory
from polarity.sweeps.folder import Sweep
from tests.command import ROOT, Forked
from tests.verbs import outcome_of


def sweep(*arguments: str, code: int = 0) -> str:
    """What ``python -m polarity.train ARGUMENTS`` says; it has to end with this exit code."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    by_tests = patch.multiple("polarity.sweeps.local", Popen=Forked, can_fork=Mock(return_value=False))
    with by_tests, patch.dict(os.environ, {"PYTHONPATH": path}):
        ended, said = outcome_of("train", *arguments)
    assert ended == code, said
    return said


def only_sweep(folder: Path) -> Sweep:
    """The sweep whose folder is in that of all outputs."""
    (path,) = (folder / "outputs").glob("*/sweep.yaml")
    return Sweep.open(path.parent)


def states(folder: Path) -> list[str]:
    """Those of its jobs."""
    return [job.state for job in only_sweep(folder).jobs]


def runs(folder: Path) -> list[RunDirectory]:
    """The runs of its jobs."""
    return [job.run for job in only_sweep(folder).jobs]
