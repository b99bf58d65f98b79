"""Jobs of a sweep side by side on this machine, each a process of its own."""

import os
import signal
import sys
import time
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, STDOUT, Popen
from tempfile import TemporaryFile
from types import FrameType
from typing import IO, Protocol
from uuid import uuid4

from polarity.config.trust import foreign_modules
from polarity.content import Json
from polarity.quoting import in_quotes
from polarity.reports.console import RunConsole
from polarity.sweeps.folder import Sweep
from polarity.sweeps.job import Job
from polarity.sweeps.lines import end_line, start_line
from polarity.sweeps.memory import MemoryWatch
from polarity.training.signals import Interrupted, heeded
from polarity.wording import times

PAUSE = 0.1
"""Seconds between two looks at the processes of jobs."""
PAUSE_FOR_OTHERS = 1.0
"""Seconds between two looks at the jobs that other processes run."""
REFUSED = 2
"""Exit code of a process that was told why it cannot begin."""
LAST_WORDS = 2000
"""Characters that are kept of what a process said that could not record why it ended."""

MEMORY = "memory ran out, and the kernel has ended its process"

Place = Mapping[str, str]
"""Environment variables of a job's process: its share of the cores, or its GPUs."""


def work(sweep: Sweep, *, jobs: int | None, retry: bool) -> None:
    """Run what is missing of a sweep, and wait for what other processes run of it.

    :param jobs: how many at a time; None for one on each GPU, or one if there are none.
    :param retry: whether those that have failed before are tried again.
    :raises Interrupted: after a signal; the jobs have saved where they stand.
    """
    Crew(sweep, places_of(sweep, jobs), ChainMap(*(job.retried(retry=retry) for job in sweep.jobs))).run()


def places_of(sweep: Sweep, jobs: int | None) -> list[Place]:
    """Where jobs run at the same time; GPUs and cores are shared out."""
    settings = [job.run.settings for job in sweep.jobs[:1]]
    gpus = [] if any(one.on_cpu for one in settings) else _gpus()
    if gpus:
        width = max([one.devices or 1 for one in settings], default=1)
        groups = [gpus[start : start + width] for start in range(0, len(gpus) - width + 1, width)] or [gpus]
        return [{"CUDA_VISIBLE_DEVICES": ",".join(groups[n % len(groups)])} for n in range(jobs or len(groups))]
    if jobs in (None, 1):
        return [{}]
    return [{"OMP_NUM_THREADS": str(max(1, _cores() // jobs))}] * jobs


def _cores() -> int:
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() else len(os.sched_getaffinity(0))


def _gpus() -> list[str]:
    """The numbers, or names, of the GPUs that this process may use."""
    import torch

    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = [str(number) for number in range(torch.cuda.device_count())]
    return [name for name in chosen.split(",") if name][: len(names)] if chosen else names


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
    """A process that works on a job.

    :param before: what was recorded of the job when it was started.
    """

    job: Job
    process: Process
    said: IO[bytes]
    place: Place
    before: Json
    started: float

    @property
    def has_begun(self) -> bool:
        """Whether it has recorded anything of its own."""
        return self.job.run.recorded != self.before

    @property
    def was_refused(self) -> bool:
        """Whether it found another process at work: one that a sweep which was killed has left behind."""
        return self.process.returncode == REFUSED and self.job.run.lock.is_held is True

    @property
    def last_words(self) -> str:
        """The end of what it printed."""
        self.said.seek(0)
        return self.said.read().decode("utf-8", "replace").strip()[-LAST_WORDS:]


class Crew:
    """The processes that this one has started for a sweep.

    :param places: as many jobs run at the same time.
    :param retried: what was recorded of the failed jobs that are tried again.
    """

    def __init__(self, sweep: Sweep, places: Sequence[Place], retried: Mapping[str, Json]) -> None:
        self.sweep = sweep
        self.free = list(places)
        self.retried = retried
        self.workers: list[Worker] = []
        self.left = list(sweep.jobs)
        self.memory = MemoryWatch()
        self.signal = 0
        self._told = False

    def run(self) -> None:
        """Until nothing is missing that has not been tried; see :func:`work`."""
        with self._forwarding():
            self.work_off(patient=True)
        if self.signal:
            raise Interrupted(self.signal)

    def work_off(self, *, patient: bool) -> None:
        """The same in any thread, whoever passes signals on.

        :param patient: whether to wait for what other processes run.
        """
        while True:
            self.memory.look()
            for worker in [worker for worker in self.workers if worker.process.poll() is not None]:
                self._ended(worker)
            if self.signal:
                self._send([worker for worker in self.workers if not worker.has_begun])
            else:
                self._start_more()
            if not self.workers and (self.signal or not self.left or not patient):
                return
            time.sleep(PAUSE if self.workers or self.signal else self._others())

    def say(self, text: str) -> None:
        """Show a line."""
        RunConsole(None).print(text)

    def _takes(self, job: Job) -> bool:
        """Claim a job; whether nobody else has."""
        return job.take(self.retried)

    def _start_more(self) -> None:
        """Give each free place a job; forget those that need none any more."""
        for job in list(self.left) if self.free else []:
            state = job.recorded
            if not self.free:
                return
            if job.is_missing(self.retried):
                if self._takes(job):
                    self.left.remove(job)
                    self.workers.append(self._started(job, self.free.pop(0)))
            elif state != "running":
                self.left.remove(job)

    def _others(self) -> float:
        """Say once that others are waited for."""
        if not self._told:
            self.say(f"waiting for {times(len(self.left), 'job')} that other processes run")
            self._told = True
        return PAUSE_FOR_OTHERS

    def _started(self, job: Job, place: Place) -> Worker:
        self.say(start_line(job))
        said = TemporaryFile()  # noqa: SIM115 - read when its process has ended
        folder = Path(self.sweep.asked.folder)
        process = Popen(  # noqa: S603 - the program itself
            [sys.executable, "-m", "polarity.train", *command_of(job)],
            cwd=folder if folder.is_dir() else None,
            env={**os.environ, **place},
            stdin=DEVNULL,
            stdout=said,
            stderr=STDOUT,
            start_new_session=True,  # Ctrl-C reaches it through this process alone, and once
        )
        return Worker(job, process, said, place, job.run.recorded, time.monotonic())

    def _ended(self, worker: Worker) -> None:
        if worker.was_refused:
            self.left.append(worker.job)
        else:
            self._record(worker)
        self.say(end_line(worker.job, time.monotonic() - worker.started))
        worker.said.close()
        self.workers.remove(worker)
        self.free.append(worker.place)
        worker.job.claim.release()

    def _record(self, worker: Worker) -> None:
        """What the process itself could not: that it was killed, or has ended before it knew its run."""
        code, run = worker.process.returncode, worker.job.run
        cut_off = run.recorded["state"] == "running" and run.status["state"] == "stopped"
        if not code or self.signal or not (cut_off or not worker.has_begun):
            return
        if code in (-signal.SIGKILL, 128 + signal.SIGKILL) and self.memory.ran_out:
            run.set_status("failed", error=MEMORY, attempt=uuid4().hex)  # the next time it would as well
        elif code < 0 or code > 128:
            name = signal.Signals(-code if code < 0 else code - 128).name
            run.set_status("failed", error=f"its process was ended by {name}: {_why(name)}", interrupted=True)
        else:
            error, attempt = worker.last_words or f"its process ended with code {code}", uuid4().hex
            run.set_status("failed", error=error, attempt=attempt)

    def _send(self, workers: Sequence[Worker]) -> None:
        """Pass the signal on; a process that only begins may lose one, and has nothing to save."""
        for worker in workers:
            worker.process.send_signal(self.signal)

    @contextmanager
    def _forwarding(self) -> Iterator[None]:
        """Within the block, a signal to this process goes to all that it has started, and no further job is begun."""

        def forward(number: int, _frame: FrameType | None) -> None:
            self.signal = self.signal or number
            self._send(self.workers)

        before = {number: signal.signal(number, forward) for number in heeded()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def command_of(job: Job) -> list[str]:
    """The overrides that start a job, or go on with it."""
    modules = foreign_modules(job.run.config)
    trust = [f"trust=[{','.join(modules)}]"] if modules else []
    return [f"resume={in_quotes(str(job.path))}", *trust]


def _why(name: str) -> str:
    return "memory ran out, or somebody killed it" if name == "SIGKILL" else "it crashed, or somebody ended it"
