"""Giving Dask what is missing of a sweep, and waiting for it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from polarity.errors import UserError
from polarity.settings import PositiveInt
from polarity.sweeps.crew import Crew
from polarity.sweeps.dask.cluster import client_of
from polarity.sweeps.elsewhere import Elsewhere, Given, stop
from polarity.sweeps.folder import Sweep
from polarity.sweeps.job import Job
from polarity.sweeps.places import Place, places_of

if TYPE_CHECKING:
    from distributed import Client, Future


class Dask:
    """``hydra/launcher=dask``.

    :param address: of the scheduler; None for workers in this process, which end with it.
    :param jobs: the most that are given at a time; None for all of a sweep, and as many of a search as the workers have
        threads; or without an address as for ``hydra/launcher=local``.
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
        """Give the cluster what is missing; see :meth:`polarity.sweeps.elsewhere.Elsewhere.work`."""
        with self.engine(sweep) as workers:
            workers.work(retry=retry, wait=self.wait)

    @contextmanager
    def engine(self, sweep: Sweep) -> Iterator["Workers"]:
        """Within the block, workers may be given jobs of a sweep."""
        places = self.places(sweep)
        with client_of(self.address, threads=max(1, len(places))) as client:
            yield Workers(sweep, client, places, self._own)

    @property
    def _own(self) -> Place:
        return {"OMP_NUM_THREADS": str(self.threads)} if self.threads else {}

    def places(self, sweep: Sweep) -> list[Place]:
        """Where jobs run at the same time; empty for the threads that the workers have by then."""
        if self.address is None:
            return [{**place, **self._own} for place in places_of(sweep, self.jobs)]
        return [self._own] * (self.jobs or (0 if sweep.trials else max(1, len(sweep.jobs))))


class Order:
    """A job that Dask was given, to be used like the process of one.

    :param given: what a worker runs.
    """

    def __init__(self, client: "Client", job: Job, given: Given) -> None:
        self.returncode: int | None = None
        self.future: Future[int] = client.submit(given, key=f"polarity-{job.name}-{uuid4().hex}")
        self._client, self._job, self._folder = client, job, given.folder
        self._signal, self._stopped = 0, False

    def send_signal(self, number: int) -> None:
        """Have it told with the next look, since a signal may come within any call to Dask.

        What a scheduler that is gone has left with a worker can be told nothing, and is not waited for.
        """
        if self.future.done() and not self._stopped:
            self.returncode = 0
        self._signal, self._stopped = number, True

    def poll(self) -> int | None:
        """Its exit code, or None while it waits or runs."""
        if self._signal and not self.future.done():
            number, self._signal = self._signal, 0
            reached = self._client.run(stop, self._folder, number, on_error="ignore")
            if not any(reached.values()):
                self.future.cancel()
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
        if self._stopped or isinstance(error, KilledWorker):  # by one job after the other, or with them
            return 0
        raise UserError(f"hydra/launcher=dask: a worker could not begin: {error}") from error


class Workers(Elsewhere):
    """The workers of Dask; a thread of theirs has room for a job."""

    def __init__(self, sweep: Sweep, client: "Client", places: Sequence[Place], own: Place) -> None:
        super().__init__(sweep, places, own)
        self._client = client

    def room(self) -> int:
        """As above."""
        return sum(self._client.nthreads().values())

    def told(self, job: Job) -> str:
        """As above."""
        return "given to Dask"

    def order(self, job: Job, given: Given) -> "Order":
        """As above."""
        return Order(self._client, job, given)

    def give_away(self, crew: Crew) -> None:
        """As above."""
        from distributed import fire_and_forget

        crew.start_more()
        fire_and_forget([worker.process.future for worker in crew.workers if isinstance(worker.process, Order)])
