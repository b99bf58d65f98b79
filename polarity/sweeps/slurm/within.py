"""What a job of SLURM runs of a sweep."""

import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from polarity.config.trust import foreign_modules
from polarity.content import Json
from polarity.crossvalidation.run import resume
from polarity.errors import UserError
from polarity.processes import SIGNALLED, rank
from polarity.sweeps.folder import Sweep
from polarity.sweeps.here import run_here
from polarity.sweeps.job import Job
from polarity.training.ranks import one_run
from polarity.training.resuming import LOCK_PATIENCE

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission


@dataclass(frozen=True)
class Submitted:
    """A job of a sweep, as submitit hands it over; begun anew after it was preempted, it goes on.

    :param sweep: folder of the sweep.
    :param name: of the job.
    :param retried: what was recorded of it when it was submitted, if it had failed before and is tried again.
    :param requeue: whether there is another turn when the time of one is up.
    """

    sweep: str
    name: str
    retried: Mapping[str, Json]
    requeue: bool = True

    def __call__(self) -> None:
        """Run it, if it is still missing and nobody else is at it.

        :raises SystemExit: if it failed, or was interrupted: then SLURM has to know.
        """
        sweep = Sweep.open(self.sweep)
        job = sweep.job(self.name)
        with one_run():
            try:
                _run(sweep, job, self.retried)
            except SystemExit as end:
                if isinstance(end.code, int) and end.code > SIGNALLED:  # everything is saved
                    signal.raise_signal(end.code - SIGNALLED)  # submitit asks for another turn, if time ran out
                raise
        if job.recorded == "failed":
            sys.exit(1)

    def checkpoint(self) -> "DelayedSubmission | None":
        """What runs in the next turn."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self) if self.requeue else None


def _run(sweep: Sweep, job: Job, retried: Mapping[str, Json]) -> None:
    if rank() > 0:
        with sweep.where_it_began():
            resume(str(job.path), trust=foreign_modules(job.run.config) or None)
        return
    with suppress(UserError):
        job.claim.take(LOCK_PATIENCE)  # the last process of the turn before may be about to end
    run_here(sweep, job, retried)
