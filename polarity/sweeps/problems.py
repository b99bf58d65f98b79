"""What stands against the launcher that a sweep was given."""

from collections.abc import Sequence

from polarity.config.launcher import LauncherSettings
from polarity.config.recorded import RunSettings
from polarity.config.search.asked import NO_PROCESSES
from polarity.sweeps.dask.problems import problems_of_dask
from polarity.sweeps.ray.problems import problems_of_ray
from polarity.sweeps.slurm.problems import problems_of_slurm


def problems_of_launcher(launcher: LauncherSettings, jobs: Sequence[RunSettings]) -> list[str]:
    """A problem for each setting that is wrong, and for what is not installed."""
    if launcher.kind == "DaskLauncher":
        return problems_of_dask(launcher)
    if launcher.kind == "RayLauncher":
        return problems_of_ray(launcher)
    return problems_of_slurm(launcher, jobs) if launcher.kind == "SlurmLauncher" else []


def problems_of_searching(launcher: LauncherSettings, *, pruner: str | None = None) -> list[str]:
    """What stands against a launcher for jobs that are proposed one after the other.

    :param pruner: of the search, where its command line is not there to be looked at.
    """
    problems = []
    if not launcher.wait:
        problems.append("hydra.launcher.wait: a search proposes values when jobs have ended; somebody has to wait")
    if pruner and launcher.kind == "BasicLauncher":
        problems.append(NO_PROCESSES)
    if launcher.kind == "SlurmLauncher" and launcher.jobs is None:
        problems.append("hydra.launcher.jobs: a search has to know how many SLURM is to run at a time; give a number")
    return problems


def runs_elsewhere(launcher: LauncherSettings) -> bool:
    """Whether jobs run on machines that have other devices than this one."""
    return launcher.kind == "SlurmLauncher" or bool(launcher.address)
