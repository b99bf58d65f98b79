"""``hydra/sweeper=optuna``: jobs that Optuna proposes, one after the other."""  # noqa: INP001 - a namespace that packages share

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from polarity.config.search.settings import SearchSettings


class OptunaSweeper(SearchSettings, Sweeper):
    """Runs what is missing of a search, whose ``sweep.yaml`` holds these settings."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Remember where the sweep is."""
        self.config = config

    def sweep(self, arguments: list[str]) -> None:
        """Run it."""
        from polarity.config.cli import user_errors
        from polarity.sweeps.folder import Sweep
        from polarity.sweeps.launch import go_on_searching

        assert self.config is not None
        hydra, retry = self.config.hydra, self.config.sweep.retry is not None
        with user_errors("train"):
            go_on_searching(Sweep.open(str(hydra.sweep.dir)), hydra.launcher, retry=retry)
