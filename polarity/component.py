"""What components are told about the run that they are part of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """What losses and regularisers are told with every batch, so that they may change in the course of training.

    :param epoch: the current one, counted from 0.
    :param epochs: how many are planned (``trainer.max_epochs``); a run that stops early sees fewer.
    """

    epoch: int = 0
    epochs: int = 1

    @property
    def fraction(self) -> float:
        """Share of the planned epochs that lies behind, in [0, 1)."""
        return self.epoch / self.epochs
