"""Searches whose jobs take no time."""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import optuna

from polarity.config.compose import compose_jobs
from polarity.sweeps.folder import Sweep
from polarity.sweeps.local import Processes
from polarity.sweeps.places import places_of
from polarity.sweeps.search.run import EngineOf, search
from polarity.sweeps.search.study import open_study
from polarity.train import _asked
from tests.command import ROOT
from tests.running import overrides
from tests.sweeping import jobs_as
from tests.sweeps.test_planning import SHORT

RATE = "optimizer.lr=tag(log,interval(1e-4,1e-1))"
PROGRAM = "import sys; from tests.sweeps.searching import run; run(sys.argv[1], jobs=int(sys.argv[2]))"


QUICK = str(Path(__file__).with_name("quick.py"))


class Quick(subprocess.Popen[Any]):
    """The process of a job, as :mod:`tests.sweeps.quick` is one."""

    def __init__(self, command: Sequence[str], **settings: Any) -> None:
        super().__init__([command[0], QUICK, *command[3:]], **settings)


def asked(folder: Path, *more: str) -> Sweep:
    """A search of which nothing has begun; its settings are not checked."""
    line = overrides(folder, *SHORT, "hydra/sweeper=optuna", *more, rows=60)
    told = _asked(["-m", *line], compose_jobs("train", line, config_dir=None, multirun=True))
    return Sweep.open(told[-1].partition("=")[2].strip('"'))


def run(folder: str | Path, *, jobs: int = 2, engine_of: EngineOf | None = None, retry: bool = False) -> Sweep:
    """Run what is missing of it."""
    sweep = Sweep.open(folder)
    with jobs_as(Quick):
        search(sweep, engine_of or (lambda one: nullcontext(Processes(one, places_of(one, jobs)))), retry=retry)
    return Sweep.open(sweep.path)


def start(sweep: Sweep, *, jobs: int = 1, **environment: str) -> subprocess.Popen[str]:
    """The same in a process of its own."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(sweep.path), str(jobs)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def starts(sweep: Sweep) -> list[int]:
    """How often each job was started."""
    files = [job.path / "starts" for job in sweep.jobs]
    return [len(file.read_text().split()) if file.exists() else 0 for file in files]


def trials(sweep: Sweep) -> list[optuna.trial.FrozenTrial]:
    """What the study knows, but for values that were proposed a second time."""
    study = open_study(sweep.path, mode="max", pruner=None)
    return [trial for trial in study.trials if trial.user_attrs]
