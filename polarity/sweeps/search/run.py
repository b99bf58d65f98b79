"""Running a search: whoever is free gets the next job at once."""

import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from polarity.reports.console import RunConsole
from polarity.sweeps.crew import PAUSE_FOR_OTHERS, Crew, Engine, Worker
from polarity.sweeps.folder import Sweep
from polarity.sweeps.here import run_here
from polarity.sweeps.job import Job
from polarity.sweeps.search.trials import Trials, epochs_of
from polarity.wording import times

EngineOf = Callable[[Sweep], AbstractContextManager[Engine]]


def search(sweep: Sweep, engine_of: EngineOf | None, *, retry: bool) -> None:
    """Run what is missing of a search, and wait for what other processes run of it.

    :param engine_of: where its jobs run; None for this process, one after the other.
    :param retry: whether jobs that have failed before are tried again.
    :raises SystemExit: after a signal; the jobs have saved where they stand.
    """
    trials = Trials(sweep, sweep.retried(retry=retry))
    _tell(trials)
    if engine_of is None:
        _one_by_one(trials)
        return
    trials.next_jobs(1)  # the first of them tells which devices there are
    with engine_of(trials.sweep) as engine:
        SearchCrew(trials, engine).run()


def _tell(trials: Trials) -> None:
    """Say how much of it was done before."""
    begun, open_jobs = trials.begun, trials.next_jobs(0)
    if not begun:
        return
    console = RunConsole(None)
    left = f", {times(len(open_jobs), 'job')} of them not over" if open_jobs else ""
    asked = times(trials.search.trials, "trial")
    beyond = begun > trials.search.trials
    before = f"{times(begun, 'trial')}, more than the {asked} asked for," if beyond else f"{begun} of {asked}"
    console.print(f"{before} begun before{left}: {trials.sweep.path}")
    if begun >= trials.search.trials and not open_jobs:
        number = trials.search.settings["trials"]
        whole = f"all {times(trials.begun, 'combination')} of values are tried; {times(number, 'trial')} were asked for"
        more = "hydra.sweeper.trials=N extends it" if trials.search.count >= number else whole
        console.print(f"nothing is missing; {more}; sweep=NAME begins another sweep")


def _one_by_one(trials: Trials) -> None:
    while jobs := trials.next_jobs(1):
        taken = next((job for job in jobs if job.is_missing(trials.retried) and not job.claim.is_held), None)
        if taken is None:
            time.sleep(PAUSE_FOR_OTHERS)
        else:
            run_here(trials.sweep, taken, trials.retried)


class SearchCrew(Crew):
    """What this process has started for a search."""

    def __init__(self, trials: Trials, engine: Engine) -> None:
        super().__init__(trials.sweep, engine, trials.retried)
        self.trials = trials
        self._tried: set[str] = set()
        self._epochs: dict[str, int] = {}
        self._looked = self._pruned = -PAUSE_FOR_OTHERS
        for worker in engine.adopted(self.left):
            self._takes_on(worker)

    def start_more(self) -> None:
        """Ask for as many jobs as there are free places, and end those that are worse than others."""
        room = len(self.free)
        if room and time.monotonic() >= self._looked + PAUSE_FOR_OTHERS:
            self.left = self.trials.next_jobs(room, self._tried)
            self._looked = time.monotonic()
        super().start_more()
        if self.trials.record["pruner"] and time.monotonic() >= self._pruned + PAUSE_FOR_OTHERS:
            self._prune()
            self._pruned = time.monotonic()

    def _takes_on(self, worker: Worker) -> None:
        self._tried.add(worker.job.name)  # one that is killed again and again is left to the next command line
        super()._takes_on(worker)

    def _over(self, job: Job) -> None:
        """What is left is asked for: its end may be the beginning of another one."""

    def _leave(self, job: Job) -> None:
        self._tried.discard(job.name)
        super()._leave(job)

    def _ended(self, worker: Worker) -> None:
        self._looked = -PAUSE_FOR_OTHERS
        super()._ended(worker)

    def _record(self, worker: Worker) -> None:
        super()._record(worker)
        self.trials.mark(worker.job)

    def _prune(self) -> None:
        """End those that are worse than others were at their age."""
        for worker in self.workers:
            epochs, known = epochs_of(worker.job), self._epochs.get(worker.job.name, 0)
            self._epochs[worker.job.name] = len(epochs)
            if len(epochs) > known and self.trials.report(worker.job, epochs):
                worker.process.send_signal(signal.SIGTERM)
