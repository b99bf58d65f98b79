"""What every sampler has in common: it weighs the labelled training rows and draws an epoch from them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from polarity.component import Component
from polarity.errors import UserError
from polarity.samplers.exposure import Exposure, expected_exposure, natural_exposure, realised_exposure
from polarity.settings import PositiveInt
from polarity.tasks import IGNORE_INDEX, Task
from polarity.wording import times

DRAW_STREAM = 1
BATCH_STREAM = 2


def epoch_generator(seed: int, epoch: int, stream: int) -> np.random.Generator:
    """A generator that depends on its arguments alone, so that every rank and every resumed run draws the same.

    :param stream: number of the purpose, from 1: ``SeedSequence`` pads with zeros, so a 0 would not count.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, epoch, stream]))


class Sampler(Component, ABC):
    """Decides which training rows an epoch shows, and how often.

    Rows without any label teach nothing: they have weight 0 and are never drawn.

    :param rows_per_epoch: rows drawn per epoch; None for as many as there are labelled rows.
    """

    _labels: np.ndarray
    _tasks: tuple[Task, ...]
    _seed: int

    def __init__(self, *, rows_per_epoch: PositiveInt | None) -> None:
        self.rows_per_epoch = rows_per_epoch
        self._weights: np.ndarray | None = None

    def fit(self, labels: np.ndarray, tasks: Sequence[Task], seed: int) -> None:
        """Weigh the training rows.

        :param labels: int64 ``[rows, tasks]``, -100 where a label is missing.
        :raises UserError: no row can be drawn.
        """
        labelled = (labels != IGNORE_INDEX).any(axis=1)
        if not labelled.any():
            raise UserError("train: no row has a label of any task")
        weights = np.zeros(len(labels), dtype=np.float64)
        given = np.asarray(self._row_weights(labels[labelled], tasks))
        if given.shape != (labelled.sum(),) or not np.isfinite(given).all() or (given < 0).any():
            raise UserError(
                f"sampler: {type(self).__name__}._row_weights has to give a finite weight, not below 0, for each of "
                f"{times(int(labelled.sum()), 'labelled row')}"
            )
        weights[labelled] = given
        if not weights.any():
            raise UserError(f"sampler: every labelled row has weight 0 under {self!r}")
        self._labels, self._tasks, self._seed, self._weights = labels, tuple(tasks), seed, weights

    @property
    def weights(self) -> np.ndarray:
        """Float64 ``[rows]``: how often a row is drawn in proportion to the others; 0 for rows without any label."""
        if self._weights is None:
            raise RuntimeError(f"{type(self).__name__} has not been fitted")
        return self._weights

    @property
    def rows_drawn(self) -> int:
        """Length of every epoch's draw."""
        labelled = (self._labels != IGNORE_INDEX).any(axis=1)
        return self.rows_per_epoch or int(labelled.sum())

    def draw(self, epoch: int) -> np.ndarray:
        """Row numbers of the whole epoch over all ranks, int64 ``[rows_drawn]``: a function of seed and epoch alone.

        :raises UserError: if the sampler has drawn others than rows of the split, or another number of them, or draws
            others by the same generator.
        """
        drawn = self._drawn(epoch)
        rows = drawn if drawn.dtype.kind in "iu" else np.array([-1])
        if drawn.shape != (self.rows_drawn,) or rows.min() < 0 or rows.max() >= len(self._labels):
            raise UserError(
                f"sampler: {type(self).__name__}._draw has to give {self.rows_drawn} numbers of rows, from 0 to "
                f"{len(self._labels) - 1}; it has given {drawn.dtype} {list(drawn.shape)}"
            )
        if not type(self).__module__.startswith("polarity.") and not np.array_equal(drawn, self._drawn(epoch)):
            raise UserError(
                f"sampler: {type(self).__name__}._draw gives other rows for the same generator; draw from that alone, "
                "for every device draws for itself, and a resumed run draws again"
            )
        return drawn

    def _drawn(self, epoch: int) -> np.ndarray:
        return np.asarray(self._draw(self.weights, epoch_generator(self._seed, epoch, DRAW_STREAM)))

    def natural_exposure(self) -> Exposure:
        """Class and cell counts of the split itself."""
        return natural_exposure(self._labels, self._tasks)

    def expected_exposure(self, rows: int | None = None) -> Exposure:
        """Average class and cell counts of an epoch.

        :param rows: of one that ended after so many.
        """
        draws = self.rows_drawn if rows is None else rows
        return expected_exposure(self.weights, self._labels, self._tasks, draws)

    def realised_exposure(self, draw: np.ndarray) -> Exposure:
        """Class and cell counts of an epoch's draw, or of what was shown of it."""
        return realised_exposure(draw, self._labels, self._tasks)

    @abstractmethod
    def _row_weights(self, labels: np.ndarray, tasks: Sequence[Task]) -> np.ndarray:
        """Weights ``[rows]`` of the labelled rows."""

    @abstractmethod
    def _draw(self, weights: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """``rows_drawn`` row numbers."""
