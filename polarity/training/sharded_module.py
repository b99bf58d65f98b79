"""The LightningModule of ``trainer=fsdp``."""

from polarity.training.module import MultiTaskModule
from polarity.training.sharded import FullySharded


class ShardedModule(MultiTaskModule):
    """The same, of which each process has a part.

    It is a class of its own since Lightning takes every module that has the hook for one that may be sharded.
    """

    def configure_model(self) -> None:
        """Share the weights out over devices."""
        strategy = self.trainer.strategy
        assert isinstance(strategy, FullySharded)
        strategy.shard(self.model)
