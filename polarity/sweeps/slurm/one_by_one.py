"""Jobs that are submitted to SLURM when one of those before has ended."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from polarity.content import Json
from polarity.errors import UserError
from polarity.reports.console import RunConsole
from polarity.sweeps.crew import Engine, Worker
from polarity.sweeps.folder import Sweep
from polarity.sweeps.job import Job
from polarity.sweeps.places import Place
from polarity.sweeps.slurm.queue import Submissions, cancel
from polarity.wording import times

PAUSE = 5.0
"""Seconds between two looks at SLURM's queue."""
SILENT = 20
"""Answers of SLURM that fail one after the other until that is told."""
REFUSALS = 5
"""Jobs that it may refuse one after the other, while none of the sweep stands in its queue."""

Submit = Callable[[Submissions, Sweep, Sequence[Job], Mapping[str, Json]], dict[str, str]]
"""Submits jobs that need the same; returns SLURM's number of each."""


class Queue(Engine):
    """SLURM's queue, with so many jobs of a sweep at a time.

    :param sweep: whose jobs stand in it.
    """

    def __init__(self, sweep: Sweep, submissions: Submissions, jobs: int, submit: Submit) -> None:
        self._sweep, self._submissions, self._submit = sweep, submissions, submit
        self._jobs = jobs
        self.there: dict[str, str] = {}
        self._looked = self._refused = -PAUSE
        self._refusals = 0

    @property
    def places(self) -> Sequence[Place]:
        """As above."""
        return [{}] * self._jobs

    def look(self) -> None:
        """As above."""
        if time.monotonic() >= self._looked + PAUSE:
            with suppress(UserError):  # SLURM has much to do at times
                self.there = self._submissions.in_queue()
            self._looked = time.monotonic()

    def adopted(self, jobs: Sequence[Job]) -> list[Worker]:
        """As above."""
        self.look()
        there = [self._worker(job) for job in jobs if job.name in self.there]
        if there:
            RunConsole(None).print(f"{times(len(there), 'job')} in SLURM's queue already")
        return there

    def start(self, job: Job, place: Place, retried: Mapping[str, Json]) -> Worker | None:
        """As above."""
        if job.name in self.there or job.claim.is_held or time.monotonic() < self._refused + PAUSE:
            return None
        with self._sweep.alone():
            try:
                self.there = self._submissions.in_queue()
                if job.name in self.there:
                    return None
                self.there |= self._submit(self._submissions, self._sweep, [job], retried)
            except (OSError, UserError) as error:
                self._later(error)
                return None
        self._refusals = 0
        return self._worker(job)

    def _later(self, error: OSError | UserError) -> None:
        """Try again in a while: SLURM has much to do at times, or no room for as many jobs as stand in its queue.

        :raises OSError: if it has refused job after job, although none stands there.
        """
        self._refused = time.monotonic()
        self._refusals += 1
        if self._refusals == SILENT:
            RunConsole(None).print(f"{error}; it is asked again and again nonetheless, Ctrl-C ends that")
        if isinstance(error, OSError) and self._refusals >= REFUSALS and not self.there:
            raise error

    def _worker(self, job: Job) -> Worker:
        number = self.there[job.name]
        return Worker(job, InQueue(self, job.name, number), {}, job.run.recorded, where(number))

    def record(self, worker: Worker) -> None:
        """As above."""
        assert isinstance(worker.process, InQueue)
        self._submissions.record(worker.job, worker.process.number)

    def interrupt(self, worker: Worker, number: int) -> bool:
        """The job stays where it is."""
        assert isinstance(worker.process, InQueue)
        worker.process.returncode = 0
        return False


class InQueue:
    """A job that stands in the queue, to be used like the process of one."""

    def __init__(self, queue: Queue, name: str, number: str) -> None:
        self.returncode: int | None = None
        self.number = number
        self._queue, self._name = queue, name

    def poll(self) -> int | None:
        """0 as soon as it stands there no more; its folder tells how it has ended."""
        if self._queue.there.get(self._name) != self.number:
            self.returncode = 0
        return self.returncode

    def send_signal(self, _: int) -> None:
        """Have it end, and not be run once more."""
        cancel(self.number)


def where(number: str) -> str:
    """Added to the line that tells of a job's start."""
    return f": job {number} of SLURM"
