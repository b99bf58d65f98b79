"""The section ``hydra.launcher``, by typed names: nobody else knows where its settings stand."""

from collections.abc import Mapping, Sequence
from typing import Any

from polarity.config.overrides import key_of
from polarity.config.schema import section_problems
from polarity.signature import TARGET

LAUNCHER = "hydra.launcher."
"""How the settings begin that tell how the jobs of a sweep are run."""
OF_SWEEPS = (LAUNCHER, "hydra/launcher", "hydra.sweep.")
"""How the overrides begin that mean nothing to a single run."""
OWN_LAUNCHERS = ("LocalLauncher", "SlurmLauncher", "DaskLauncher", "RayLauncher")
"""Those that make each job of a sweep a process of its own."""
KNOWN_LAUNCHERS = (*OWN_LAUNCHERS, "BasicLauncher")
"""Those that can go on without the command line, and take one job after the other."""


class LauncherSettings:
    """What runs the jobs of a sweep; those of Hydra and of others lack some of these settings.

    :param section: resolved; a setting is read when it is asked for.
    """

    def __init__(self, section: Mapping[Any, Any]) -> None:
        self._section = section

    @property
    def kind(self) -> str:
        """Name of its class."""
        return str(self._section.get(TARGET)).rpartition(".")[2]

    @property
    def wait(self) -> bool:
        """Whether the command stays until the jobs have ended."""
        return bool(self._section.get("wait", True))

    @property
    def jobs(self) -> int | None:
        """The most that run at a time."""
        jobs: int | None = self._section.get("jobs")
        return jobs

    @property
    def address(self) -> str | None:
        """Of a scheduler of Dask, or a cluster of Ray, that is there already."""
        address: str | None = self._section.get("address")
        return address

    @property
    def grace(self) -> float:
        """Seconds before the end of its time in which a job of SLURM saves."""
        return float(self._section["grace"])

    @property
    def minutes(self) -> float:
        """The time of a job of SLURM."""
        return float(self._section["minutes"])

    def problems(self, target: str) -> list[str]:
        """What is wrong with the settings, one by one; how many jobs run at a time is looked at for all launchers.

        :param target: class that takes them.
        """
        own = {key: value for key, value in self._section.items() if key != "jobs"}
        return section_problems("hydra.launcher", {**own, TARGET: target})


def jobs_problems(overrides: Sequence[str], *, sweeping: bool) -> list[str]:
    """What is wrong with how jobs are run, and with their number at a time, which Hydra itself does not check.

    :param sweeping: whether there are several jobs.
    """
    given = {key_of(text): text.partition("=")[2] for text in overrides}
    if not sweeping:
        of_sweeps = [key for key in given if key.startswith(OF_SWEEPS)]
        return [f"{key}: has an effect with -m only, and with resume=SWEEP" for key in of_sweeps]
    jobs = given.get(f"{LAUNCHER}jobs", "null")
    positive = jobs.isdecimal() and int(jobs) > 0
    return [] if positive or jobs == "null" else [f"{LAUNCHER}jobs: {jobs!r} is no number of jobs, from 1 on"]
