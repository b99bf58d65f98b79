"""A job of a sweep in this process: what every launcher but the local one asks for."""

import time
from collections.abc import Mapping

from polarity.config.trust import foreign_modules
from polarity.content import Json
from polarity.crossvalidation.run import resume
from polarity.processes import SIGNALLED
from polarity.reports.console import RunConsole, log_only
from polarity.sweeps.folder import Sweep
from polarity.sweeps.job import Job
from polarity.sweeps.lines import end_line, start_line
from polarity.training.status import record_failure


def run_here(sweep: Sweep, job: Job, retried: Mapping[str, Json]) -> float:
    """Run a job, or go on with it, if it is missing. Returns its best monitored score, not a number if it has none.

    :param retried: as in :meth:`Job.take`.
    :raises SystemExit: after a signal; what else goes wrong is one failed job.
    """
    if not job.take(retried):
        return job.score
    started = time.monotonic()
    RunConsole(None).print(start_line(job))
    try:
        with sweep.where_it_began(), log_only():
            _run(job)
    finally:
        job.claim.release()
    RunConsole(None).print(end_line(job, time.monotonic() - started))
    return job.score


def _run(job: Job) -> None:
    try:
        resume(str(job.path), trust=foreign_modules(job.run.config) or None)
    except SystemExit as end:
        if not isinstance(end.code, int) or end.code > SIGNALLED:
            raise
    except Exception as error:  # noqa: BLE001 - whatever goes wrong before training begins is one failed job
        record_failure(job.run, error)
