"""What stands against the launcher that a sweep was given."""

from collections.abc import Sequence

from polarity.config.recorded import RunSettings
from polarity.content import Config
from polarity.signature import TARGET
from polarity.sweeps.dask.problems import problems_of_dask
from polarity.sweeps.slurm.problems import problems_of_slurm


def kind_of(launcher: Config) -> str:
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


def runs_elsewhere(launcher: Config) -> bool:
    """Whether jobs run on machines that have other devices than this one."""
    return kind_of(launcher) == "SlurmLauncher" or bool(launcher.get("address"))
