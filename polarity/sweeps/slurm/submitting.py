"""Giving SLURM what is missing of a sweep, and waiting for it."""

import math
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Annotated

from pydantic import Field

from polarity.content import Config, Json
from polarity.errors import UserError
from polarity.reports.console import RunConsole
from polarity.settings import NonNegativeInt, Positive, PositiveInt
from polarity.signals import Interrupted
from polarity.sweeps.folder import Sweep
from polarity.sweeps.job import Job
from polarity.sweeps.lines import end_line, start_line
from polarity.sweeps.slurm.one_by_one import PAUSE, SILENT, Queue, where
from polarity.sweeps.slurm.queue import Submissions
from polarity.sweeps.slurm.within import Submitted
from polarity.wording import times

TURNS = 10_000
"""How often a job whose time ran out is begun again."""
Grace = Annotated[int, Field(ge=10, le=65535)]


class Slurm:
    """``hydra/launcher=slurm``.

    :param jobs: the most that run at a time; None for as many as the cluster lets run.
    :param wait: whether to wait until all are over.
    :param partition: None for the cluster's default.
    :param gpus: of each machine; None for one for each of ``trainer.devices``, or none if ``trainer.accelerator=cpu``.
    :param cores: of each process, of which there is one for each device.
    :param memory: of each machine, in GB; None for the cluster's default.
    :param minutes: that a job may take.
    :param grace: seconds before they are over when the job is told, saves, and ends.
    :param requeue: whether a job that was preempted, or told so, goes back into the queue.
    :param more: further options of ``sbatch`` by their names.
    """

    def __init__(
        self,
        *,
        jobs: PositiveInt | None = None,
        wait: bool = True,
        partition: str | None = None,
        gpus: NonNegativeInt | None = None,
        cores: PositiveInt = 4,
        memory: Positive | None = None,
        minutes: PositiveInt = 1440,
        grace: Grace = 120,
        requeue: bool = True,
        more: dict[str, str | int | bool] | None = None,
    ) -> None:
        self.jobs, self.wait, self.partition, self.gpus, self.cores = jobs, wait, partition, gpus, cores
        self.memory, self.minutes, self.grace, self.requeue, self.more = memory, minutes, grace, requeue, more or {}

    def work(self, sweep: Sweep, *, retry: bool) -> None:
        """Submit what is missing and does not stand in the queue; then wait for what does, if that is asked for.

        :param retry: whether those that have failed before are tried again.
        :raises OSError: if SLURM refuses it.
        """
        submissions, console = Submissions(sweep), RunConsole(None)
        with sweep.alone():
            before = submissions.in_queue()
            if before:
                console.print(f"{times(len(before), 'job')} in SLURM's queue already")
            numbers = dict(before)
            retried = sweep.retried(retry=retry)
            missing = [job for job in sweep.jobs if job.name not in before and not job.claim.is_held]
            missing = sorted((job for job in missing if job.is_missing(retried)), key=_needs)
            for jobs in [list(group) for _, group in groupby(missing, key=_needs)]:
                numbers |= self.submit(submissions, sweep, jobs, retried)
                for job in jobs:
                    console.print(f"{start_line(job)}{where(numbers[job.name])}")
        if not self.wait:
            console.print(f"SLURM runs them, whether this goes on or not: squeue --name={submissions.name}")
            return
        with _staying(submissions):
            _wait(sweep, submissions, numbers)

    @contextmanager
    def engine(self, sweep: Sweep) -> Iterator[Queue]:
        """Within the block, jobs may be submitted one by one."""
        submissions = Submissions(sweep)
        with _staying(submissions):
            yield Queue(sweep, submissions, self.jobs or 1, self.submit)

    def submit(
        self, submissions: Submissions, sweep: Sweep, jobs: Sequence[Job], retried: Mapping[str, Json]
    ) -> dict[str, str]:
        """Submit jobs that need the same, as one array; returns SLURM's number of each."""
        import submitit
        from submitit.core.utils import FailedJobError

        executor = submitit.SlurmExecutor(folder=submissions.folder, max_num_timeout=TURNS)
        executor.update_parameters(
            job_name=submissions.name,
            array_parallelism=self.jobs or len(jobs),
            **self.options(sweep, _needs(jobs[0])),
        )
        own = [{job.name: retried[job.name]} if job.name in retried else {} for job in jobs]
        tasks = [
            Submitted(str(sweep.path), job.name, known, self.requeue) for job, known in zip(jobs, own, strict=True)
        ]
        try:
            made = executor.submit_array(tasks)
        except FailedJobError as error:
            raise OSError(f"hydra/launcher=slurm: {error}") from error
        numbers = {task.name: str(one.job_id) for task, one in zip(tasks, made, strict=True)}
        submissions.add(numbers)
        return numbers

    def options(self, sweep: Sweep, needs: "Needs") -> Config:
        """What submitit asks SLURM for."""
        machines, processes, on_cpu = needs
        gpus = self.gpus if self.gpus is not None else 0 if on_cpu else processes
        folder = sweep.asked.folder
        options = {
            "partition": self.partition,
            "time": self.minutes,
            "mem": self.memory and f"{math.ceil(1024 * self.memory)}M",  # without a unit it is in MB
            "nodes": machines,
            "ntasks_per_node": processes,
            "cpus_per_task": self.cores,
            "gpus_per_node": gpus or None,
            "signal_delay_s": self.grace,
            "setup": [f"export OMP_NUM_THREADS={self.cores}"],
            "srun_args": [f"--cpus-per-task={self.cores}", "--kill-on-bad-exit=1"],
        }
        further = {
            "requeue" if self.requeue else "no-requeue": True,
            **({"chdir": folder} if Path(folder).is_dir() else {}),
            **self.more,
        }
        kept = {name: value for name, value in options.items() if value is not None}
        return {**kept, "additional_parameters": {key: value for key, value in further.items() if value is not False}}


Needs = tuple[int, int, bool]
"""Machines, processes on each, and whether these stay on the CPU."""


def _needs(job: Job) -> Needs:
    settings = job.settings
    return settings.machines, settings.devices or 1, settings.on_cpu


@contextmanager
def _staying(submissions: Submissions) -> Iterator[None]:
    """Within the block, Ctrl-C or whatever goes wrong ends the waiting, and no job."""
    try:
        yield
    except (Exception, KeyboardInterrupt, Interrupted) as error:
        try:
            numbers = submissions.in_queue()
        except UserError:
            numbers = submissions.numbers()
        arrays = " ".join(sorted({number.partition("_")[0] for number in numbers.values()}))  # 17_0, 17_1, ...: one
        if arrays:
            RunConsole(None).print(f"the jobs stay with SLURM; scancel {arrays} ends them")
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted(signal.SIGINT) from None
        raise


def _wait(sweep: Sweep, submissions: Submissions, numbers: Mapping[str, str]) -> None:
    """Until none of these jobs stands in SLURM's queue."""
    left, started, unanswered = dict(numbers), time.monotonic(), 0
    while left:
        time.sleep(PAUSE)
        try:
            there = submissions.in_queue()
        except UserError as error:  # SLURM has much to do at times
            unanswered += 1
            if unanswered == SILENT:
                RunConsole(None).print(f"{error}; the jobs are waited for nonetheless, Ctrl-C ends that")
            continue
        unanswered = 0
        ended = [job for job in sweep.jobs if job.name in left and job.name not in there]  # gone folders have no end
        for job in ended:
            submissions.record(job, left[job.name])
            RunConsole(None).print(end_line(job, time.monotonic() - started))
        left = {name: number for name, number in there.items() if name in left}
