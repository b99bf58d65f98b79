"""Jobs of a sweep side by side: what is missing is begun, what has ended is told, a signal reaches all."""

import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol

from polarity.content import Json
from polarity.reports.console import RunConsole
from polarity.signals import Interrupted, handled
from polarity.sweeps.folder import Sweep
from polarity.sweeps.job import Job
from polarity.sweeps.lines import end_line, start_line
from polarity.sweeps.places import Place
from polarity.wording import times

PAUSE = 0.1
"""Seconds between two looks at what works on jobs."""
PAUSE_FOR_OTHERS = 1.0
"""Seconds between two looks at the jobs that other processes run."""
REFUSED = 2
"""Exit code of a process that was told why it cannot begin."""


class Process(Protocol):
    """What works on a job, here or elsewhere."""

    @property
    def returncode(self) -> int | None:
        """Its exit code, as far as :meth:`poll` knows."""

    def poll(self) -> int | None:
        """Its exit code; None while it goes on."""

    def send_signal(self, sig: int, /) -> None:
        """Have it end in good order."""


@dataclass
class Worker:
    """What works on a job.

    :param before: what was recorded of the job when it was started.
    :param where: added to the line that tells of its start.
    """

    job: Job
    process: Process
    place: Place
    before: Json
    where: str = ""
    started: float = field(default_factory=time.monotonic)

    @property
    def has_begun(self) -> bool:
        """Whether it has recorded anything of its own."""
        return self.job.run.recorded != self.before

    def close(self) -> None:
        """Give back what was held for it, when it has ended."""


class Engine(ABC):
    """Where jobs run."""

    @property
    @abstractmethod
    def places(self) -> Sequence[Place]:
        """As many jobs run at the same time."""

    @abstractmethod
    def start(self, job: Job, place: Place, retried: Mapping[str, Json]) -> Worker | None:
        """Have a job run; None if others are at it.

        :param retried: what was recorded of the failed jobs that are tried again.
        """

    def adopted(self, jobs: Sequence[Job]) -> list[Worker]:
        """What works on some of these jobs already, started by a process that may be gone."""
        return []

    def look(self) -> None:  # noqa: B027 - not all have to
        """Notice what has changed since the last look."""

    def refused(self, worker: Worker) -> bool:
        """Whether it found another process at work: one that a sweep which was killed has left behind."""
        return worker.process.returncode == REFUSED

    def record(self, worker: Worker) -> None:  # noqa: B027 - not all have to
        """What one that has ended could not record itself."""

    def interrupt(self, worker: Worker, number: int) -> bool:
        """Pass on a signal to the sweep; returns whether there is still something that heeds it."""
        worker.process.send_signal(number)
        return worker.process.returncode is None


class Crew:
    """What this process has started for a sweep.

    :param retried: what was recorded of the failed jobs that are tried again.
    """

    def __init__(self, sweep: Sweep, engine: Engine, retried: Mapping[str, Json]) -> None:
        self.sweep, self.engine, self.retried = sweep, engine, retried
        self.workers: list[Worker] = []
        self.left = list(sweep.jobs)
        self.signal = 0
        self._told = False

    @property
    def free(self) -> list[Place]:
        """Places at which nothing runs."""
        free = list(self.engine.places)
        for worker in self.workers:
            if worker.place in free:
                free.remove(worker.place)
        return free

    def run(self) -> None:
        """Until nothing is missing that has not been tried, and what other processes run of it has ended.

        :raises Interrupted: after a signal; the jobs have saved where they stand.
        """
        with self._forwarding():
            try:
                self.work_off(patient=True)
            except Exception:  # whatever it was, nobody would know of the jobs that go on
                self.signal = self.signal or signal.SIGTERM
                if told := self._interrupt(self.workers):
                    self.say(f"the sweep cannot go on: {times(told, 'job')} told to stop")
                self.work_off(patient=False)
                raise
        if self.signal:
            raise Interrupted(self.signal)

    def work_off(self, *, patient: bool) -> None:
        """The same in any thread, whoever passes signals on.

        :param patient: whether to wait for what other processes run.
        """
        while True:
            self.engine.look()
            for worker in [worker for worker in self.workers if worker.process.poll() is not None]:
                self._ended(worker)
            if self.signal:  # a process that only begins may have lost it, and has nothing to save
                self._interrupt([worker for worker in self.workers if not worker.has_begun])
            else:
                self.start_more()
            if not self.workers and (self.signal or not self.left or not patient):
                return
            time.sleep(PAUSE if self.workers or self.signal else self._others())

    def say(self, text: str) -> None:
        """Show a line."""
        RunConsole(None).print(text)

    def start_more(self) -> None:
        """Give each free place a job; forget those that need none any more."""
        free = self.free
        for job in list(self.left) if free else []:
            state = job.recorded
            if not free or self.signal:
                return
            if job.is_missing(self.retried):
                line = start_line(job)
                worker = self.engine.start(job, free[0], self.retried)
                if worker:
                    del free[0]
                    self.say(f"{line}{worker.where}")
                    self._takes_on(worker)
            elif state != "running":
                self._over(job)

    def _takes_on(self, worker: Worker) -> None:
        self.left = [job for job in self.left if job.name != worker.job.name]
        self.workers.append(worker)

    def _over(self, job: Job) -> None:
        self.left.remove(job)

    def _others(self) -> float:
        """Say once that others are waited for."""
        if not self._told:
            self.say(f"waiting for {times(len(self.left), 'job')} that other processes run")
            self._told = True
        return PAUSE_FOR_OTHERS

    def _ended(self, worker: Worker) -> None:
        if self.engine.refused(worker):
            self._leave(worker.job)
        else:
            self._record(worker)
        self.say(end_line(worker.job, time.monotonic() - worker.started))
        self.workers.remove(worker)
        worker.close()

    def _leave(self, job: Job) -> None:
        """To others, who may still be killed."""
        self.left.append(job)

    def _record(self, worker: Worker) -> None:
        if not self.signal:
            self.engine.record(worker)

    def _interrupt(self, workers: Sequence[Worker]) -> int:
        """Pass a signal on; returns how many are told."""
        return sum([self.engine.interrupt(worker, self.signal) for worker in workers])

    @contextmanager
    def _forwarding(self) -> Iterator[None]:
        """Within the block, a signal to this process goes to all that it has started, and no further job is begun."""

        def forward(number: int, _frame: FrameType | None) -> None:
            self.signal = self.signal or number
            self._interrupt(self.workers)

        with handled(forward):
            yield
