"""Sweeps within this process, whose jobs are processes that a warm one forks."""

import os
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

from polarity.run import RunDirectory
from polarity.sweeps.folder import Sweep
from tests.command import ROOT, Forked
from tests.verbs import outcome_of


def jobs_as(kind: type[subprocess.Popen[Any]]) -> AbstractContextManager[Any]:
    """Within the block, jobs are processes of this kind, and none is forked otherwise."""
    return patch.multiple("polarity.sweeps.local", Popen=kind, can_fork=Mock(return_value=False))


def sweep(*arguments: str, code: int = 0) -> str:
    """What ``python -m polarity.train ARGUMENTS`` says; it has to end with this exit code."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with jobs_as(Forked), patch.dict(os.environ, {"PYTHONPATH": path}):
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
