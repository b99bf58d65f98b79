"""``hydra/launcher=local``, ``slurm``, ``dask`` and ``ray``: each job of a sweep as a process of its own."""  # noqa: INP001 - a namespace that packages share

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from polarity.content import Config

if TYPE_CHECKING:
    from polarity.sweeps.crew import Engine
    from polarity.sweeps.dask.giving import Dask
    from polarity.sweeps.folder import Sweep
    from polarity.sweeps.ray.giving import Ray
    from polarity.sweeps.slurm.submitting import Slurm


class SweepLauncher(Launcher):
    """Runs what is missing of a sweep."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Remember the configuration that all jobs share."""
        self.loader, self.config = hydra_context.config_loader, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs that are missing, these among them; returns the best monitored score of each of these."""
        from polarity.config.cli import user_errors
        from polarity.sweeps.launch import launch

        configs = (self.loader.load_sweep_config(self.config, list(overrides)) for overrides in job_overrides)
        with user_errors("train"):
            scores = launch(str(self.config.hydra.sweep.dir), configs, self.work)
        return [
            JobReturn(overrides=overrides, status=JobStatus.COMPLETED, _return_value=score)
            for overrides, score in zip(job_overrides, scores, strict=True)
        ]

    @abstractmethod
    def work(self, sweep: "Sweep", *, retry: bool) -> None:
        """Run what is missing of it.

        :param retry: whether jobs that have failed before are tried again.
        """

    @abstractmethod
    def engine(self, sweep: "Sweep") -> "AbstractContextManager[Engine]":
        """Where jobs of it may be run, within a block."""


class LocalLauncher(SweepLauncher):
    """Processes on this machine.

    :param jobs: how many at a time; None for one on each GPU, or one where there are none.
    """

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs

    def work(self, sweep: "Sweep", *, retry: bool) -> None:
        """As above."""
        from polarity.sweeps.crew import Crew

        with self.engine(sweep) as engine:
            Crew(sweep, engine, sweep.retried(retry=retry)).run()

    def engine(self, sweep: "Sweep") -> "AbstractContextManager[Engine]":
        """As above."""
        from polarity.sweeps.local import Processes
        from polarity.sweeps.places import places_of

        return Processes(sweep, places_of(sweep, self.jobs), forked=True)


class _OfCluster(SweepLauncher):
    """Its settings are those of the class that works."""

    def __init__(self, **settings: Any) -> None:
        plain: Any = OmegaConf.to_container(OmegaConf.create(settings), resolve=True)
        self.settings = Config(plain)

    @property
    @abstractmethod
    def cluster(self) -> "Dask | Ray | Slurm":
        """What works."""

    def work(self, sweep: "Sweep", *, retry: bool) -> None:
        """As above."""
        self.cluster.work(sweep, retry=retry)

    def engine(self, sweep: "Sweep") -> "AbstractContextManager[Engine]":
        """As above."""
        return self.cluster.engine(sweep)


class SlurmLauncher(_OfCluster):
    """Jobs of SLURM."""

    @property
    def cluster(self) -> "Slurm":
        """As above."""
        from polarity.sweeps.slurm.submitting import Slurm

        return Slurm(**self.settings)


class DaskLauncher(_OfCluster):
    """Processes that workers of Dask start."""

    @property
    def cluster(self) -> "Dask":
        """As above."""
        from polarity.sweeps.dask.giving import Dask

        return Dask(**self.settings)


class RayLauncher(_OfCluster):
    """Processes that workers of Ray start."""

    @property
    def cluster(self) -> "Ray":
        """As above."""
        from polarity.sweeps.ray.giving import Ray

        return Ray(**self.settings)
