"""What a worker of Dask runs of a sweep."""

from collections.abc import Mapping
from dataclasses import dataclass

from polarity.content import Json
from polarity.sweeps.crew import REFUSED, Crew, Place
from polarity.sweeps.folder import Sweep
from polarity.sweeps.local import Processes

_AT_WORK: dict[str, "OneJob"] = {}
"""What runs in the threads of this worker, by the folder of the job."""


class OneJob(Crew):
    """The process of a single job; whoever has given it to Dask says what becomes of it."""

    def say(self, text: str) -> None:
        """Nothing."""

    def stop(self, number: int) -> None:
        """End it in good order."""
        self.signal = number
        self._interrupt(self.workers)


@dataclass(frozen=True)
class Given:
    """A job of a sweep, as Dask hands it over; begun anew after its worker was lost, it goes on.

    :param sweep: folder of the sweep.
    :param name: of the job.
    :param retried: what was recorded of it when it was given, if it had failed before and is tried again.
    """

    sweep: str
    name: str
    retried: Mapping[str, Json]
    place: Place

    def __call__(self) -> int:
        """Run it, if it is still missing; returns :data:`REFUSED` if others are at it, and 0 otherwise."""
        sweep = Sweep.open(self.sweep)
        job = sweep.job(self.name)
        crew = OneJob(sweep, Processes(sweep, [self.place]), self.retried)
        crew.left, _AT_WORK[str(job.path)] = [job], crew
        try:
            crew.work_off(patient=False)
        finally:
            _AT_WORK.pop(str(job.path), None)
        return REFUSED if crew.left else 0


def stop(folder: str, number: int) -> bool:
    """Pass a signal on to the process of a job, if this worker runs it; returns whether it does."""
    crew = _AT_WORK.get(folder)
    if crew:
        crew.stop(number)
    return crew is not None
