"""``hydra/launcher=local``, ``slurm`` and ``dask``: each job of a sweep as a process of its own."""  # noqa: INP001 - a namespace that packages share

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from polarity.content import Config

if TYPE_CHECKING:
    from polarity.sweeps.folder import Sweep


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


class LocalLauncher(SweepLauncher):
    """Processes on this machine.

    :param jobs: how many at a time; None for one on each GPU, or one where there are none.
    """

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs

    def work(self, sweep: "Sweep", *, retry: bool) -> None:
        """As above."""
        from polarity.sweeps.local import work

        work(sweep, jobs=self.jobs, retry=retry)


class _OfCluster(SweepLauncher):
    """Its settings are those of the class that works."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    @property
    def plain(self) -> Config:
        """They, resolved."""
        plain: Any = OmegaConf.to_container(OmegaConf.create(self.settings), resolve=True)
        return Config(plain)


class SlurmLauncher(_OfCluster):
    """Jobs of SLURM, by :class:`polarity.sweeps.slurm.submitting.Slurm`."""

    def work(self, sweep: "Sweep", *, retry: bool) -> None:
        """As above."""
        from polarity.sweeps.slurm.submitting import Slurm

        Slurm(**self.plain).work(sweep, retry=retry)


class DaskLauncher(_OfCluster):
    """Processes that workers of Dask start, by :class:`polarity.sweeps.dask.giving.Dask`."""

    def work(self, sweep: "Sweep", *, retry: bool) -> None:
        """As above."""
        from polarity.sweeps.dask.giving import Dask

        Dask(**self.plain).work(sweep, retry=retry)
