"""Giving Dask what is missing of a sweep, and waiting for it."""

import time
from collections import ChainMap
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING
from uuid import uuid4

from polarity.content import Json
from polarity.errors import UserError
from polarity.settings import PositiveInt
from polarity.sweeps.dask.cluster import client_of
from polarity.sweeps.dask.within import Given, stop
from polarity.sweeps.folder import Sweep
from polarity.sweeps.job import Job
from polarity.sweeps.lines import start_line
from polarity.sweeps.local import REFUSED, Crew, Place, Worker, places_of

if TYPE_CHECKING:
    from distributed import Client, Future


class Dask:
    """``hydra/launcher=dask``.

    :param address: of the scheduler; None for workers in this process, which end with it.
    :param jobs: the most that run at a time; None for as many as the workers have threads, or without an address as
        for ``hydra/launcher=local``.
    :param threads: of each job; None for the share of the cores without an address, and else for what its worker has.
    :param wait: whether to wait until all are over.
    """

    def __init__(
        self,
        *,
        address: str | None = None,
        jobs: PositiveInt | None = None,
        threads: PositiveInt | None = None,
        wait: bool = True,
    ) -> None:
        self.address, self.jobs, self.threads, self.wait = address, jobs, threads, wait

    def work(self, sweep: Sweep, *, retry: bool) -> None:
        """Give Dask what is missing and nobody is at; then wait for all, if that is asked for.

        :param retry: whether those that have failed before are tried again.
        :raises UserError: if the scheduler is gone, or the workers do not see the folder.
        :raises Interrupted: after a signal; the jobs have saved where they stand.
        """
        places = self.places(sweep)
        with client_of(self.address, threads=len(places)) as client:
            crew = DaskCrew(sweep, places, ChainMap(*(job.retried(retry=retry) for job in sweep.jobs)), client)
            if self.wait:
                crew.run()
            else:
                crew.give_away()

    def places(self, sweep: Sweep) -> list[Place]:
        """Where jobs run at the same time."""
        own = {"OMP_NUM_THREADS": str(self.threads)} if self.threads else {}
        if self.address is None:
            return [{**place, **own} for place in places_of(sweep, self.jobs)]
        return [own] * (self.jobs or max(1, len(sweep.jobs)))


class Order:
    """A job that Dask was given, to be used like the process of one.

    :param given: what a worker runs.
    """

    def __init__(self, client: "Client", job: Job, given: Given) -> None:
        self.returncode: int | None = None
        self.future: Future[int] = client.submit(given, key=f"polarity-{job.name}-{uuid4().hex}")
        self._client, self._job = client, job
        self._signal, self._stopped = 0, False

    def send_signal(self, number: int) -> None:
        """Have it told with the next look, since a signal may come within any call to Dask."""
        self._signal, self._stopped = number, True

    def poll(self) -> int | None:
        """Its exit code, or None while it waits or runs."""
        if self._signal and not self.future.done():
            told = self._client.run(stop, str(self._job.path), self._signal, on_error="ignore")
            if not any(told.values()):
                self.future.cancel()
        self._signal = 0
        if self.future.done() and not (self.future.cancelled() and self._job.claim.is_held):
            self.returncode = self._result()
        return self.returncode

    def _result(self) -> int:
        from distributed import KilledWorker

        if self.future.cancelled():
            if self._stopped:
                return 0
            raise UserError(
                "hydra/launcher=dask: the scheduler answers no more; the same command line waits for what its workers "
                "still run, and goes on with what is missing"
            )
        error = self.future.exception()
        if error is None:
            return int(self.future.result())
        if isinstance(error, KilledWorker):  # by one job after the other, or with them
            return 0
        raise UserError(f"hydra/launcher=dask: a worker could not begin: {error}") from error


class Elsewhere(Worker):
    """A job that a worker of Dask runs."""

    @property
    def was_refused(self) -> bool:
        """Whether the worker found another process at work."""
        return self.process.returncode == REFUSED


class DaskCrew(Crew):
    """The jobs of a sweep that this process has given to Dask; who runs one claims it, and records how it ended."""

    def __init__(self, sweep: Sweep, places: Sequence[Place], retried: Mapping[str, Json], client: "Client") -> None:
        super().__init__(sweep, places, retried)
        self.client = client

    def give_away(self) -> None:
        """All that is missing, whether this process goes on or not."""
        from distributed import fire_and_forget

        self._start_more()
        fire_and_forget([worker.process.future for worker in self.workers if isinstance(worker.process, Order)])
        self.say("Dask's workers run them, whether this goes on or not")

    def _takes(self, job: Job) -> bool:
        return not job.claim.is_held

    def _started(self, job: Job, place: Place) -> Worker:
        self.say(f"{start_line(job)}: given to Dask")
        recorded = job.run.recorded
        retried = {job.name: self.retried[job.name]} if job.name in self.retried else {}
        order = Order(self.client, job, Given(str(self.sweep.path), job.name, retried, place))
        return Elsewhere(job, order, BytesIO(), place, recorded, time.monotonic())

    def _record(self, worker: Worker) -> None:
        """The worker of Dask has."""
