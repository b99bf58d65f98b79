"""Where the jobs of a sweep run on this machine: its GPUs, or shares of its cores."""

import os
from collections.abc import Mapping

from polarity.sweeps.folder import Sweep

Place = Mapping[str, str]
"""Environment variables of a job's process: its share of the cores, or its GPUs."""


def places_of(sweep: Sweep, jobs: int | None) -> list[Place]:
    """Where jobs run at the same time; GPUs and cores are shared out, by the job that needs the most.

    :param jobs: how many; None for one on each GPU, or one if there are none.
    """
    settings = [job.settings for job in sweep.jobs]
    gpus = [] if settings and all(one.on_cpu for one in settings) else _gpus()
    if not gpus:
        return shares_of_cores(jobs)
    width = max([one.devices or 1 for one in settings], default=1)
    groups = [gpus[start : start + width] for start in range(0, len(gpus) - width + 1, width)] or [gpus]
    return [{"CUDA_VISIBLE_DEVICES": ",".join(groups[n % len(groups)])} for n in range(jobs or len(groups))]


def shares_of_cores(jobs: int | None) -> list[Place]:
    """Places of a machine without GPUs."""
    if jobs in (None, 1):
        return [{}]
    return [{"OMP_NUM_THREADS": str(max(1, _cores() // jobs))}] * jobs


def _cores() -> int:
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdecimal():
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1  # macOS has none


def _gpus() -> list[str]:
    """The numbers, or names, of the GPUs that this process may use."""
    import torch

    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = [str(number) for number in range(torch.cuda.device_count())]
    return [name for name in chosen.split(",") if name][: len(names)] if chosen else names
