"""The null sampler: the training rows as they are."""

from collections.abc import Sequence

import numpy as np

from polarity.samplers.base import Sampler
from polarity.settings import PositiveInt
from polarity.tasks import Task


class NaturalSampler(Sampler):
    """Every labelled row once per epoch, in an order that is shuffled anew each epoch.

    :param rows_per_epoch: None for each labelled row once. Fewer: a new random subset each epoch, without repeats.
        More: whole shuffled passes, the last one cut short, so that no row is shown twice more than another.
    """

    def __init__(self, *, rows_per_epoch: PositiveInt | None) -> None:
        super().__init__(rows_per_epoch=rows_per_epoch)

    def _row_weights(self, labels: np.ndarray, tasks: Sequence[Task]) -> np.ndarray:
        return np.ones(len(labels))

    def _draw(self, weights: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        rows = np.flatnonzero(weights)
        passes = -(-self.rows_drawn // len(rows))
        return np.concatenate([generator.permutation(rows) for _ in range(passes)])[: self.rows_drawn]
