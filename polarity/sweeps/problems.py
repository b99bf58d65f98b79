"""What stands against the launcher that a sweep was given."""

from collections.abc import Mapping, Sequence
from typing import Any

from polarity.config.recorded import RunSettings
from polarity.content import Config
from polarity.signature import TARGET
from polarity.sweeps.dask.problems import problems_of_dask
from polarity.sweeps.slurm.problems import problems_of_slurm


def kind_of(launcher: Mapping[str, Any]) -> str:
    """Name of its class."""
    return str(launcher.get(TARGET)).rpartition(".")[2]


def problems_of_launcher(launcher: Config, jobs: Sequence[RunSettings]) -> list[str]:
    """A problem for each setting that is wrong, and for what is not installed.

    :param launcher: the section ``hydra.launcher``.
    """
    kind = kind_of(launcher)
    if kind == "DaskLauncher":
        return problems_of_dask(launcher)
    return problems_of_slurm(launcher, jobs) if kind == "SlurmLauncher" else []


def problems_of_searching(launcher: Mapping[str, Any]) -> list[str]:
    """What stands against a launcher for jobs that are proposed one after the other."""
    problems = []
    if not launcher.get("wait", True):
        problems.append("hydra.launcher.wait: a search proposes values when jobs have ended; somebody has to wait")
    if kind_of(launcher) == "SlurmLauncher" and launcher.get("jobs") is None:
        problems.append("hydra.launcher.jobs: a search has to know how many SLURM is to run at a time; give a number")
    return problems


def runs_elsewhere(launcher: Config) -> bool:
    """Whether jobs run on machines that have other devices than this one."""
    return kind_of(launcher) == "SlurmLauncher" or bool(launcher.get("address"))
