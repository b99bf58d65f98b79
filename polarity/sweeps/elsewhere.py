"""Jobs that other machines start: what a worker there runs, and what the command knows of the workers."""

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from polarity.content import Json
from polarity.sweeps.crew import PAUSE_FOR_OTHERS, REFUSED, Crew, Engine, Process, Worker
from polarity.sweeps.folder import Sweep
from polarity.sweeps.job import Job
from polarity.sweeps.local import Processes
from polarity.sweeps.places import Place

_AT_WORK: list[tuple[str, "OneJob"]] = []
"""What runs in the threads of this worker, with the folder of the job, which may have been given twice."""


class OneJob(Crew):
    """The process of a single job; whoever has given it away says what becomes of it."""

    def say(self, text: str) -> None:
        """Nothing."""

    def stop(self, number: int) -> None:
        """End it in good order."""
        self.signal = number
        self._interrupt(self.workers)


@dataclass(frozen=True)
class Given:
    """A job of a sweep, as it is handed over; begun anew after its worker was lost, it goes on.

    :param sweep: folder of the sweep.
    :param name: of the job.
    :param retried: what was recorded of it when it was given, if it had failed before and is tried again.
    """

    sweep: str
    name: str
    retried: Mapping[str, Json]
    place: Place

    @property
    def folder(self) -> str:
        """Of the job."""
        return str(Path(self.sweep) / self.name)

    def __call__(self) -> int:
        """Run it, if it is still missing; returns :data:`REFUSED` if others are at it, and 0 otherwise."""
        sweep = Sweep.open(self.sweep)
        job = sweep.job(self.name)
        crew = OneJob(sweep, Processes(sweep, [self.place]), self.retried)
        crew.left, here = [job], (self.folder, crew)
        _AT_WORK.append(here)
        try:
            crew.work_off(patient=False)
        finally:
            _AT_WORK.remove(here)
        return REFUSED if crew.left else 0


def stop(folder: str, number: int) -> bool:
    """Pass a signal on to the process of a job, if this worker runs it; returns whether it does."""
    crews = [crew for place, crew in list(_AT_WORK) if place == folder]
    for crew in crews:
        crew.stop(number)
    return bool(crews)


class Elsewhere(Engine):
    """The workers of a cluster; who runs a job claims it, and records how it ended.

    :param places: as many jobs are given at the same time; empty for as many as the workers have room for.
    :param own: environment variables of each job, for the latter.
    """

    def __init__(self, sweep: Sweep, places: Sequence[Place], own: Place) -> None:
        self._sweep, self._places, self._own = sweep, places, own
        self._room, self._looked = 1, -PAUSE_FOR_OTHERS

    @abstractmethod
    def room(self) -> int:
        """How many jobs the workers can run at the same time by now.

        :raises OSError: if nobody answers; jobs tell that as well.
        """

    @abstractmethod
    def order(self, job: Job, given: Given) -> Process:
        """Give a job away."""

    @abstractmethod
    def told(self, job: Job) -> str:
        """What is said of a job that was given away."""

    @property
    def places(self) -> Sequence[Place]:
        """As above."""
        return self._places or [self._own] * self._room

    def look(self) -> None:
        """How much room the workers have, which may join and leave."""
        if self._places or time.monotonic() < self._looked + PAUSE_FOR_OTHERS:
            return
        with suppress(OSError):
            self._room = max(1, self.room())
        self._looked = time.monotonic()

    def start(self, job: Job, place: Place, retried: Mapping[str, Json]) -> Worker | None:
        """As above."""
        if job.claim.is_held:
            return None
        own = {job.name: retried[job.name]} if job.name in retried else {}
        before = job.run.recorded
        order = self.order(job, Given(str(self._sweep.path), job.name, own, place))
        return Worker(job, order, place, before, f": {self.told(job)}")

    def give_away(self, crew: Crew) -> None:
        """All that is missing, whether this process goes on or not."""
        crew.start_more()

    def work(self, *, retry: bool, wait: bool) -> None:
        """Give away what is missing and nobody is at.

        :param retry: whether those that have failed before are tried again.
        :param wait: whether to stay until all are over.
        :raises UserError: if the cluster is gone, or its machines do not see the folder.
        :raises Interrupted: after a signal; the jobs have saved where they stand.
        """
        crew = Crew(self._sweep, self, self._sweep.retried(retry=retry))
        if wait:
            crew.run()
        else:
            self.give_away(crew)
            crew.say("the cluster's machines run them, whether this goes on or not")
