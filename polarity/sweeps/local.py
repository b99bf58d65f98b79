"""Jobs of a sweep on this machine, each a process of its own."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from subprocess import DEVNULL, STDOUT, Popen
from tempfile import TemporaryFile
from typing import IO, Self
from uuid import uuid4

from polarity.config.trust import foreign_modules
from polarity.content import Json
from polarity.processes import SIGNALLED
from polarity.quoting import in_quotes
from polarity.sweeps.crew import Engine, Process, Worker
from polarity.sweeps.folder import Sweep
from polarity.sweeps.forks import Forks, can_fork
from polarity.sweeps.job import Job
from polarity.sweeps.memory import MemoryWatch
from polarity.sweeps.places import Place

LAST_WORDS = 2000
"""Characters that are kept of what a process said that could not record why it ended."""

MEMORY = "memory ran out, and the kernel has ended its process"


@dataclass(kw_only=True)
class LocalWorker(Worker):
    """A process of this machine, and what it says."""

    said: IO[bytes]

    @property
    def last_words(self) -> str:
        """The end of what it printed."""
        self.said.seek(0)
        return self.said.read().decode("utf-8", "replace").strip()[-LAST_WORDS:]

    def close(self) -> None:
        """As above."""
        self.said.close()
        self.job.claim.release()


class Processes(Engine):
    """Processes of this machine, which run the program itself; a block within which they may be started.

    :param places: as many run at the same time.
    :param forked: whether they are forked, where that is possible, so that they need not import anything.
    """

    def __init__(self, sweep: Sweep, places: Sequence[Place], *, forked: bool = False) -> None:
        self._folder = sweep.began_in
        self._places, self._memory = places, MemoryWatch()
        self._forks = Forks() if forked and can_fork(places) else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._forks:
            self._forks.close()

    @property
    def places(self) -> Sequence[Place]:
        """As above."""
        return self._places

    def look(self) -> None:
        """As above."""
        self._memory.look()

    def start(self, job: Job, place: Place, retried: Mapping[str, Json]) -> Worker | None:
        """As above."""
        if not job.take(retried):
            return None
        before, said = job.run.recorded, TemporaryFile()  # noqa: SIM115 - read when its process has ended
        process = self._begin(["-m", "polarity.train", *command_of(job)], {**os.environ, **place}, said)
        return LocalWorker(job, process, place, before, said=said)

    def _begin(self, words: Sequence[str], environment: Mapping[str, str], said: IO[bytes]) -> Process:
        if self._forks:
            with suppress(OSError):  # somebody has ended what forks
                return self._forks.start(words, self._folder, environment, said)
        return Popen(  # noqa: S603 - the program itself
            [sys.executable, *words],
            cwd=self._folder,
            env=environment,
            stdin=DEVNULL,
            stdout=said,
            stderr=STDOUT,
            start_new_session=True,  # Ctrl-C reaches it through this process alone, and once
        )

    def refused(self, worker: Worker) -> bool:
        """As above."""
        return super().refused(worker) and worker.job.run.lock.is_held is True

    def record(self, worker: Worker) -> None:
        """That it was killed, or has ended before it knew its run."""
        assert isinstance(worker, LocalWorker)
        code, run = worker.process.returncode, worker.job.run
        cut_off = run.recorded["state"] == "running" and run.status["state"] == "stopped"
        if not code or not (cut_off or not worker.has_begun):
            return
        if code in (-signal.SIGKILL, SIGNALLED + signal.SIGKILL) and self._memory.ran_out:
            run.set_status("failed", error=MEMORY, attempt=uuid4().hex)  # the next time it would as well
        elif (number := -code if code < 0 else code - SIGNALLED) in set(signal.Signals):
            name = signal.Signals(number).name
            run.set_status("failed", error=f"its process was ended by {name}: {_why(name)}", interrupted=True)
        else:
            error, attempt = worker.last_words or f"its process ended with code {code}", uuid4().hex
            run.set_status("failed", error=error, attempt=attempt)


def command_of(job: Job) -> list[str]:
    """The overrides that start a job, or go on with it."""
    modules = foreign_modules(job.run.config)
    trust = [f"trust=[{','.join(modules)}]"] if modules else []
    return [f"resume={in_quotes(str(job.path))}", *trust]


def _why(name: str) -> str:
    return "memory ran out, or somebody killed it" if name == "SIGKILL" else "it crashed, or somebody ended it"
