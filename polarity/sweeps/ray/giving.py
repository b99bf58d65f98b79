"""Giving Ray what is missing of a sweep, and waiting for it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import uuid4

from polarity.errors import UserError
from polarity.settings import NonNegativeInt, PositiveInt
from polarity.sweeps.elsewhere import Elsewhere, Given
from polarity.sweeps.folder import Sweep
from polarity.sweeps.job import Job
from polarity.sweeps.places import Place
from polarity.sweeps.ray.cluster import cluster_at, machines, resources
from polarity.sweeps.ray.within import AtWork

Needs = Mapping[str, int]
"""How many of each kind of device, by Ray's names for them."""
RESTARTS = 3
"""How often a job is begun anew on another machine, when it was lost together with the one that it had."""


class Ray:
    """``hydra/launcher=ray``.

    :param address: of the cluster.
    :param jobs: the most that are given at a time; None for all of a sweep, and as many of a search as find room.
    :param cores: of each job, with as many threads.
    :param gpus: of each job; None for one for each of ``trainer.devices``, or none with ``trainer.accelerator=cpu`` or
        where no machine of the cluster has any.
    :param wait: whether to wait until all are over.
    """

    def __init__(
        self,
        *,
        address: str,
        jobs: PositiveInt | None = None,
        cores: PositiveInt = 1,
        gpus: NonNegativeInt | None = None,
        wait: bool = True,
    ) -> None:
        self.address, self.jobs, self.cores, self.gpus, self.wait = address, jobs, cores, gpus, wait

    def work(self, sweep: Sweep, *, retry: bool) -> None:
        """Give the cluster what is missing; see :meth:`polarity.sweeps.elsewhere.Elsewhere.work`."""
        with self.engine(sweep) as workers:
            workers.work(retry=retry, wait=self.wait)

    @contextmanager
    def engine(self, sweep: Sweep) -> Iterator["Machines"]:
        """Within the block, the cluster may be given jobs of a sweep."""
        with cluster_at(self.address):
            ActorProcess.lost = False
            yield Machines(sweep, self)

    def places(self, sweep: Sweep) -> list[Place]:
        """Where jobs run at the same time; empty for as many as find room by then."""
        return [self.own] * (self.jobs or (0 if sweep.trials else max(1, len(sweep.jobs))))

    @property
    def own(self) -> Place:
        """Environment variables of each job."""
        return {"OMP_NUM_THREADS": str(self.cores)}

    def needs(self, jobs: Sequence[Job]) -> Needs:
        """How much of each kind of device is kept for each of these jobs, which are alike."""
        settings = [job.settings for job in jobs]
        if self.gpus is not None:
            gpus = self.gpus
        elif any(one.on_cpu for one in settings) or not resources().get("GPU"):
            gpus = 0
        else:
            gpus = max((one.devices or 1 for one in settings), default=1)
        return {kind: need for kind, need in (("CPU", self.cores), ("GPU", gpus)) if need}


class ActorProcess:
    """A job that Ray was given, to be used like the process of one.

    :param given: what a worker runs.
    :param needs: how much of each kind of device is kept for it.
    :param stays: whether it goes on when this process has ended.
    """

    lost: ClassVar = False
    """Whether the cluster answers no more, of which a process has one at a time: then none can be told anything."""

    def __init__(self, job: Job, given: Given, needs: Needs, *, stays: bool) -> None:
        import ray

        self.returncode: int | None = None
        self._job, self._signal, self._stopped = job, 0, False
        kept = {"lifetime": "detached", "name": f"polarity-{job.name}-{uuid4().hex}"} if stays else {}
        options = {
            "num_cpus": needs.get("CPU", 0),
            "num_gpus": needs.get("GPU", 0),
            "max_concurrency": 2,  # it is told to stop while another call waits for its end
            "max_restarts": RESTARTS,
        }
        actor: Any = ray.remote(AtWork).options(**options, **kept).remote(given, leaves=stays)
        self._actor, self._end = actor, actor.end.remote()

    def send_signal(self, number: int) -> None:
        """Have it told with the next look, since a signal may come within any call to Ray.

        What a cluster that is lost still runs can be told nothing, and is not waited for.
        """
        if ActorProcess.lost:
            self.returncode = 0
        self._signal, self._stopped = number, True

    def poll(self) -> int | None:
        """Its exit code, or None while it waits or runs."""
        import ray

        try:
            if self._signal:
                self._pass_on()
            if self.returncode is None and ray.wait([self._end], timeout=0)[0]:
                self.returncode = self._result()
        except ConnectionError as error:
            ActorProcess.lost = True
            self._cannot("the cluster answers no more; the same command line goes on with what is missing", error)
        return self.returncode

    def _cannot(self, why: str, error: Exception) -> None:
        """It is over for this process; unless it is told to stop, the sweep has to know why."""
        self.returncode = 0
        if not self._stopped:
            raise UserError(f"hydra/launcher=ray: {why}") from error

    def _pass_on(self) -> None:
        """To whoever runs it; what nobody has begun is taken back."""
        import ray

        number, self._signal = self._signal, 0
        if self._job.claim.is_held:
            self._actor.stop.remote(number)
        else:
            ray.kill(self._actor)

    def _result(self) -> int | None:
        import ray

        code: int | None = 0
        try:
            code = ray.get(self._end)
        except ray.exceptions.RayTaskError as error:
            self._cannot(f"a worker could not begin: {error.cause}", error)
        except ray.exceptions.ActorUnavailableError:  # its machine is lost, or slow; Ray finds out
            self._end = self._actor.end.remote()
            return None
        except ray.exceptions.RayActorError as error:  # taken back, or lost with one machine after the other
            if "creation task" in str(error):
                self._cannot(f"a worker could not begin: {error}", error)
        ray.kill(self._actor)  # so that others have its place
        return code


class Machines(Elsewhere):
    """The machines of a cluster of Ray.

    :param asked: what each job needs of them.
    """

    def __init__(self, sweep: Sweep, asked: Ray) -> None:
        super().__init__(sweep, asked.places(sweep), asked.own)
        self._asked = asked

    def room(self) -> int:
        """As above."""
        whole = resources()
        return int(min(whole.get(kind, 0.0) // need for kind, need in self._asked.needs(self._sweep.jobs[:1]).items()))

    def told(self, job: Job) -> str:
        """That it may have to wait for a larger machine, too."""
        needs = self._asked.needs([job])
        if any(all(own.get(kind, 0.0) >= need for kind, need in needs.items()) for own in machines()):
            return "given to Ray"
        wanted = " and ".join(f"{kind} {need}" for kind, need in needs.items())
        return f"given to Ray, which has no machine with {wanted} yet"

    def order(self, job: Job, given: Given) -> ActorProcess:
        """As above."""
        return ActorProcess(job, given, self._asked.needs([job]), stays=not self._asked.wait)
