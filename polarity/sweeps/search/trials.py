"""The trials of a search: what Optuna is told and asked, as the folders of the jobs say."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from statistics import fmean

import optuna
from optuna.trial import FrozenTrial, TrialState

from polarity.content import Json
from polarity.errors import UserError
from polarity.locks import FolderLock
from polarity.reports.console import RunConsole
from polarity.sweeps.folder import Sweep
from polarity.sweeps.job import Job
from polarity.sweeps.plan import add
from polarity.sweeps.search.hopeless import hopeless
from polarity.sweeps.search.proposals import Proposals
from polarity.sweeps.search.study import JOBS, drop_half_a_line, jobs_of, known_to, open_study, written
from polarity.wording import times

PATIENCE = 600.0
"""Seconds to wait for another process that asks."""


class Trials:
    """The trials of a sweep. Any number of processes may have one for the same sweep: one at a time is at work on it.

    Nothing is remembered here: whatever was killed, the study and the folders of the jobs tell what is next.

    :param retried: what was recorded of the failed jobs that are tried again.
    """

    def __init__(self, sweep: Sweep, retried: Mapping[str, Json]) -> None:
        asked = sweep.asked
        assert asked.search is not None
        self.sweep, self.record, self.retried = sweep, asked.search, retried
        self.proposals = Proposals(sweep, asked.search, asked.config_dir)
        self.search = self.proposals.search
        self.sign = 1.0 if self.record["mode"] == "max" else -1.0
        self._lock = FolderLock(sweep.path, ".study")
        with self._alone():
            self.study = open_study(sweep.path, mode=self.record["mode"], pruner=self.record["pruner"])
            self._open_again(self.retried)

    @property
    def begun(self) -> int:
        """How many there are; what Optuna has proposed twice counts once."""
        return len({jobs_of(trial)[0] for trial in known_to(self.study)})

    def next_jobs(self, room: int, tried: Collection[str] = ()) -> list[Job]:
        """Jobs that are not over, wherever they run; new ones among them, if fewer wait than there is ``room`` for.

        :param tried: names of those that are left to another time.
        """

        def not_over() -> list[Job]:
            missing = [job for job in self.sweep.jobs if job.name not in tried]
            return [job for job in missing if job.is_missing(self.retried) or job.recorded == "running"]

        with self._alone():
            self._tell()
            waiting = sum(job.is_missing(self.retried) and not job.claim.is_held for job in not_over())
            while waiting < room and self._ask():
                waiting += 1
            return not_over()

    def report(self, job: Job, epochs: list[float]) -> bool:
        """Tell the scores of the epochs of a job that runs; returns whether it has to end here.

        Only the first seed of a configuration is judged by its epochs. One that has all of them only lacks its score,
        which costs little, and is worth more to the choice than none.
        """
        if len(epochs) == job.settings.epochs:
            return False
        with self._alone():
            running = known_to(self.study, TrialState.RUNNING)
            for number in [trial.number for trial in running if jobs_of(trial)[0] == job.name]:
                if self._report(number, epochs):
                    self.study.tell(number, state=TrialState.PRUNED)
                    return True
            return False

    def _report(self, number: int, epochs: list[float]) -> bool:
        """Tell the scores that are new; whether any of them is worse than others' were.

        However many there are since the last look, a run is judged by each of its epochs.
        """
        known, worse = self.study.trials[number], False
        trial = optuna.Trial(self.study, known._trial_id)  # noqa: SLF001 - another process may have asked for it
        for step, score in enumerate(epochs, 1):
            if step not in known.intermediate_values:
                trial.report(score, step)
                worse = trial.should_prune() or worse  # after each one: Hyperband remembers what passes its rungs
        return worse

    def mark(self, job: Job) -> None:
        """Record of a job that was ended early that nobody has to go on with it."""
        pruned = {jobs_of(trial)[0] for trial in known_to(self.study, TrialState.PRUNED)}
        if job.name in pruned and job.recorded == "interrupted":
            why = f"its epochs were worse than those of others ({self.record['pruner']})"
            job.run.set_status("failed", error=why, interrupted=True, pruned=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Within the block, no other process asks or tells."""
        self._lock.take(PATIENCE)
        try:
            self.sweep = Sweep(self.sweep.path)  # others may have extended it
            drop_half_a_line(self.sweep.path)
            yield
        finally:
            self._lock.release()

    def _tell(self) -> None:
        """Tell the study what has ended since, and begin the next seed of what goes on."""
        self._open_again()
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if JOBS in trial.user_attrs:
                self._advance(trial)
            else:
                self.study.tell(trial.number, state=TrialState.FAIL)
        for job in self.sweep.jobs if self.record["pruner"] else []:
            if job.recorded == "interrupted" and not job.claim.is_held:
                self.mark(job)

    def _advance(self, trial: FrozenTrial) -> None:
        jobs = {job.name: job for job in self.sweep.jobs}
        scores: list[float] = []
        for number, name in enumerate(jobs_of(trial)):
            if name not in jobs:
                if hopeless([self.sign * score for score in scores], self._complete(jobs)):
                    RunConsole(None).print(f"    hopeless after {times(len(scores), 'seed')}: {jobs_of(trial)[0]}")
                    self.study.tell(trial.number, state=TrialState.PRUNED)
                else:
                    add(self.sweep, self.proposals.job(written(self.search.parameters, trial.params), number))
                return
            state = jobs[name].recorded
            if state in ("failed", "damaged") and not jobs[name].is_missing(self.retried):
                self.study.tell(trial.number, state=TrialState.FAIL)
            if state != "finished":
                return
            if (score := _score(jobs[name])) is None:
                self.study.tell(trial.number, state=TrialState.FAIL)
                return
            if self.record["pruner"] and not number:
                self._report(trial.number, epochs_of(jobs[name]))
            scores.append(score)
        self.study.tell(trial.number, fmean(scores))

    def _complete(self, jobs: Mapping[str, Job]) -> list[list[float]]:
        """The scores of the seeds of each configuration that has them all; higher is better.

        Without a folder, or with a damaged file, a job has none, whatever the study was told of it.
        """
        complete = []
        for trial in known_to(self.study, TrialState.COMPLETE):
            scores = [_score(jobs[name]) if name in jobs else None for name in jobs_of(trial)]
            known = [self.sign * score for score in scores if score is not None]
            if len(known) == len(scores):
                complete.append(known)
        return complete

    def _open_again(self, retried: Collection[str] = ()) -> None:
        """Let failed trials be open once more, by a copy, whose jobs are tried again, or were by any other process.

        :param retried: names of jobs that are from now on.
        """
        known = (TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED)
        others = {jobs_of(trial)[0] for trial in known_to(self.study, *known)}
        jobs = {job.name: job for job in self.sweep.jobs}
        for trial in known_to(self.study, TrialState.FAIL):
            names = jobs_of(trial)
            own = [jobs[name] for name in names if name in jobs]
            if names[0] not in others and (set(names) & set(retried) or (own and all(map(_is_well, own)))):
                others.add(names[0])
                again = optuna.create_trial(
                    state=TrialState.RUNNING,
                    params=trial.params,
                    distributions=trial.distributions,
                    user_attrs=trial.user_attrs,
                )
                self.study.add_trial(again)

    def _ask(self) -> bool:
        """Add the first job of values that were not tried yet; whether there are any, and not enough were tried."""
        job = self.proposals.ask(self.study) if self.begun < self.search.trials else None
        if job is not None:
            add(self.sweep, job)
        return job is not None


def _is_well(job: Job) -> bool:
    """Whether it has a score, or may still get one."""
    state = job.recorded
    return _score(job) is not None if state == "finished" else state in ("waiting", "running", "interrupted")


def _score(job: Job) -> float | None:
    """The score of a finished job; None where its files are damaged, of which the table tells."""
    try:
        return job.score
    except UserError:
        return None


def epochs_of(job: Job) -> list[float]:
    """The monitored score after each epoch so far."""
    return [float(row[job.run.settings.monitor]) for row in job.epochs]
