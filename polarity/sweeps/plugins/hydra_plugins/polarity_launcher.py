"""``hydra/launcher=local``: the jobs of a sweep as processes of their own."""  # noqa: INP001 - a namespace that packages share

from collections.abc import Sequence

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class LocalLauncher(Launcher):
    """Runs what is missing of a sweep.

    :param jobs: how many at a time; None for one on each GPU, or one where there are none.
    """

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Remember the configuration that all jobs share."""
        self.loader, self.config = hydra_context.config_loader, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs that are missing, these among them; returns the best monitored score of each of these."""
        from polarity.sweeps.launch import launch

        configs = (self.loader.load_sweep_config(self.config, list(overrides)) for overrides in job_overrides)
        scores = launch(str(self.config.hydra.sweep.dir), configs, jobs=self.jobs)
        return [
            JobReturn(overrides=overrides, status=JobStatus.COMPLETED, _return_value=score)
            for overrides, score in zip(job_overrides, scores, strict=True)
        ]
