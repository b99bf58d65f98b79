"""SLURM's queue, and which jobs of a sweep stand in it."""

import re
import subprocess
from contextlib import suppress
from uuid import uuid4

from polarity.errors import UserError
from polarity.files import read_object, write_json
from polarity.sweeps.folder import Sweep
from polarity.sweeps.job import Job

ANSWER = 60.0
"""Seconds that SLURM may take to answer."""


class Submissions:
    """The jobs of a sweep that were given to SLURM.

    :param sweep: its folder ``slurm`` holds what was submitted, what was said, and SLURM's number of each job.
    """

    def __init__(self, sweep: Sweep) -> None:
        self.folder = sweep.path / "slurm"
        self.name = f"polarity-{re.sub(r'[^A-Za-z0-9_.-]', '_', sweep.path.name)}"
        self._file = self.folder / "jobs.json"

    def numbers(self) -> dict[str, str]:
        """SLURM's number of each job that was submitted; the last one, if it was more than once."""
        return {name: str(number) for name, number in read_object(self._file).items()} if self._file.exists() else {}

    def add(self, numbers: dict[str, str]) -> None:
        """Note further ones."""
        write_json(self._file, {**self.numbers(), **numbers})

    def in_queue(self) -> dict[str, str]:
        """Those that wait, run, or are about to end or to be run once more.

        :raises UserError: if SLURM does not answer.
        """
        there = _queue(self.name)
        return {name: number for name, number in self.numbers().items() if number in there}

    def record(self, job: Job, number: str) -> None:
        """What a job that has ended could not: that it did before it knew its run."""
        log = self.folder / f"{number}_0_log.err"  # of its first process
        said = log.read_text(encoding="utf-8", errors="replace").strip()[-2000:] if log.is_file() else ""
        if job.run.recorded["state"] == "waiting" and said and "CANCELLED" not in said:
            job.run.set_status("failed", error=said, attempt=uuid4().hex)


def _queue(name: str) -> set[str]:
    """Numbers of all jobs of this name, each of an array by itself."""
    command = ["squeue", "--noheader", "--array", "--format=%i", f"--name={name}"]
    try:
        done = subprocess.run(  # noqa: S603 - the name holds letters, digits and .-_ alone
            command, capture_output=True, text=True, timeout=ANSWER, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"hydra/launcher=slurm: squeue does not answer ({error})") from error
    if done.returncode:
        raise UserError(f"hydra/launcher=slurm: squeue does not answer ({done.stderr.strip()})")
    return set(done.stdout.split())


def cancel(number: str) -> None:
    """End a job in good order; if SLURM does not answer, it goes on."""
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(["scancel", number], capture_output=True, timeout=ANSWER, check=False)  # noqa: S603, S607
