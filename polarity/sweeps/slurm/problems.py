"""What stands against giving the jobs of a sweep to SLURM, found before there is a sweep."""

import shutil
from collections.abc import Sequence
from importlib.util import find_spec

from polarity.config.recorded import RunSettings
from polarity.config.schema import section_problems
from polarity.content import Config
from polarity.signature import TARGET

SETTINGS = "polarity.sweeps.slurm.submitting.Slurm"
COMMANDS = ("sbatch", "squeue", "srun")


def problems_of_slurm(launcher: Config, jobs: Sequence[RunSettings]) -> list[str]:
    """A problem for each setting that is wrong, and for what is not installed.

    :param launcher: the section ``hydra.launcher``; how many jobs run at a time is looked at for all launchers alike.
    """
    settings = {key: value for key, value in launcher.items() if key != "jobs"}
    problems = section_problems("hydra.launcher", {**settings, TARGET: SETTINGS})
    if not problems and settings["grace"] >= 60 * settings["minutes"]:
        problems.append(f"hydra.launcher.grace: has to be shorter than the time of the job, got {settings['grace']} s")
    if any(job.devices is None for job in jobs):
        problems.append("trainer.devices: SLURM has to know how many processes to start; give a number")
    if find_spec("submitit") is None:
        problems.append("hydra/launcher=slurm: needs the package submitit: pip install 'polarity[slurm]'")
    missing = [name for name in COMMANDS if shutil.which(name) is None]
    if missing:
        problems.append(
            f"hydra/launcher=slurm: there is no {', '.join(missing)} here; start the sweep on a machine that submits "
            "jobs to SLURM, or run it on this one with hydra/launcher=local"
        )
    return problems
