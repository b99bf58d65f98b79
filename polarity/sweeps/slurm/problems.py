"""What stands against giving the jobs of a sweep to SLURM, found before there is a sweep."""

import shutil
from collections.abc import Sequence
from importlib.util import find_spec

from polarity.config.launcher import LauncherSettings
from polarity.config.recorded import RunSettings

SETTINGS = "polarity.sweeps.slurm.submitting.Slurm"
COMMANDS = ("sbatch", "squeue", "srun")


def problems_of_slurm(launcher: LauncherSettings, jobs: Sequence[RunSettings]) -> list[str]:
    """A problem for each setting that is wrong, and for what is not installed."""
    problems = launcher.problems(SETTINGS)
    if not problems and launcher.grace >= 60 * launcher.minutes:
        problems.append(f"hydra.launcher.grace: has to be shorter than the time of the job, got {launcher.grace:g} s")
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
