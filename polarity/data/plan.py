"""The batches of a training epoch and of an evaluation: which rows, on which device, in which order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch.utils.data

from polarity.confusion import class_counts
from polarity.errors import UserError
from polarity.samplers.base import BATCH_STREAM, Sampler, epoch_generator
from polarity.settings import PositiveInt
from polarity.wording import times

Counts = tuple[np.ndarray, ...]
"""One float32 array ``[classes]`` per task."""


@dataclass(frozen=True)
class PlannedBatch:
    """The rows that one process puts through the model at once.

    :param rows: row numbers, int64.
    :param window: class counts of the whole accumulation window over all ranks; None outside of training.
    :param blank: whether the rows only fill up a window, or keep the ranks in step, and count for nothing.
    """

    rows: np.ndarray
    window: Counts | None = None
    blank: bool = False


class TrainBatches(torch.utils.data.Sampler[PlannedBatch]):
    """The batches of one rank, epoch after epoch.

    The draw of an epoch is cut into chunks of ``mega_batches * batch_size`` rows; within a chunk the rows are sorted by
    length, cut into global batches, and the batches shuffled. Rank ``r`` takes the rows ``r::world_size`` of every
    global batch. So grouping by length never changes how often a row is shown, and the number of devices never
    changes what a step sees; a rank for which a batch has too few rows gets a row that counts for nothing.

    Where a batch is more than what goes through the model at once, it is cut into micro-batches, always the same number
    of them, so that windows stay in step.
    So which rows a step sees, and by what its loss is divided, does not depend on their size.

    The plan is a pure function of seed and epoch. Lightning sets the epoch through :meth:`set_epoch`. An epoch that is
    to end early, for a trial, sets ``limit``, so that its last window is counted as it is.

    :param sampler: fitted on the training split.
    :param labels: int64 ``[rows, tasks]``.
    :param class_numbers: number of classes of each task.
    :param lengths: tokens of each row.
    :param batch_size: rows of a batch over all devices.
    :param accumulate: batches per optimizer step; they make one window.
    :param micro_batch_size: most rows of a batch that go through the model at once, over all devices; None for all.
    :param mega_batches: batches among which rows are sorted by length; None leaves the draw in its order.
    :raises UserError: fewer rows per step, or per epoch, than devices.
    """

    def __init__(
        self,
        *,
        sampler: Sampler,
        labels: np.ndarray,
        class_numbers: Sequence[int],
        lengths: np.ndarray,
        batch_size: PositiveInt,
        accumulate: PositiveInt,
        mega_batches: PositiveInt | None,
        seed: int,
        micro_batch_size: PositiveInt | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        for what, number in [("batch_size", batch_size), ("sampler: rows per epoch", sampler.rows_drawn)]:
            if number < world_size:
                raise UserError(f"{what}: {times(number, 'row')} cannot be shared by {world_size} devices")
        self.sampler = sampler
        self.labels = labels
        self.class_numbers = list(class_numbers)
        self.lengths = lengths
        self.batch_size = batch_size
        self.parts = micro_batches(batch_size, micro_batch_size)
        self.accumulate = accumulate * self.parts
        self.mega_batches = mega_batches
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self._length = -(-sampler.rows_drawn // batch_size) * self.parts
        self.limit = self._length
        self._epoch = 0
        self._resumed = (0, 0)

    def __len__(self) -> int:
        """Micro-batches of an epoch, the same in each; resuming within an epoch does not shorten it."""
        return self._length

    def __iter__(self) -> Iterator[PlannedBatch]:
        epoch = self._epoch
        resumed_epoch, resumed_batch = self._resumed
        plan = self.plan(epoch)
        begin = resumed_batch if epoch == resumed_epoch else 0
        for start in range(begin, len(plan), self.accumulate):  # an epoch is resumed between windows
            batches = plan[start : start + self.accumulate]
            window = self._counts(np.concatenate(batches))
            filling = batches[0][:1]
            for rows in batches:
                own = rows[self.rank :: self.world_size]
                yield PlannedBatch(own if len(own) else filling, window, blank=not len(own))

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration."""
        self._epoch = epoch

    def resume_at(self, epoch: int, batch: int) -> None:
        """Begin ``epoch`` at its batch number ``batch``; other epochs stay whole.

        :param batch: micro-batches that were finished; all of them means the next epoch.
        :raises UserError: the position lies within an accumulation window, the gradients of which are lost.
        """
        if batch >= self.limit:
            epoch, batch = epoch + 1, 0
        if batch % self.accumulate:
            raise UserError(
                f"checkpoint: it was saved after batch {batch} of epoch {epoch + 1}, between two optimizer steps of"
                f" {self.accumulate} batches; their gradients are lost. Resume from one saved after a step"
            )
        self._resumed = (epoch, batch)
        self._epoch = epoch

    def plan(self, epoch: int) -> list[np.ndarray]:
        """The micro-batches of an epoch in order: row numbers, before they are shared among ranks."""
        draw = self.sampler.draw(epoch)
        generator = epoch_generator(self.seed, epoch, BATCH_STREAM)
        plan: list[np.ndarray] = []
        for chunk in _cut(draw, self.batch_size * (self.mega_batches or 1)):
            batches = _cut(self._grouped(chunk), self.batch_size)
            for number in generator.permutation(len(batches)):
                plan.extend(np.array_split(batches[number], self.parts))  # the last ones may be empty
        return plan[: self.limit]

    def rows_until(self, epoch: int, batches: int) -> int:
        """How many rows, over all ranks, the first so many micro-batches of an epoch hold."""
        if batches >= self._length:
            return self.sampler.rows_drawn
        return sum(map(len, self.plan(epoch)[:batches]))

    def _grouped(self, chunk: np.ndarray) -> np.ndarray:
        if self.mega_batches is None:
            return chunk
        order = np.argsort(self.lengths[chunk], kind="stable")  # rows of equal length stay in the order of the draw
        return np.asarray(chunk[order])

    def _counts(self, rows: np.ndarray) -> Counts:
        return tuple(
            class_counts(self.labels[rows, task], classes).astype(np.float32)
            for task, classes in enumerate(self.class_numbers)
        )


class EvalBatches(torch.utils.data.Sampler[PlannedBatch]):
    """Each row of a split exactly once over all ranks, longest rows first, always in the same order.

    The number of batches is rounded up to a multiple of the ranks and the rows are spread evenly over them, so that
    all ranks do the same number of forward passes (strategies that synchronise in the forward pass would wait for
    ever otherwise) without repeating a row. Where there are fewer rows than batches, a row that counts for nothing
    fills the others.

    :param lengths: tokens of each row.
    :param batch_size: most rows per batch and device.
    """

    def __init__(self, *, lengths: np.ndarray, batch_size: PositiveInt, rank: int = 0, world_size: int = 1) -> None:
        batches = -(-len(lengths) // batch_size)
        batches = -(-batches // world_size) * world_size
        order = np.argsort(-lengths.astype(np.int64), kind="stable")
        self._batches = np.array_split(order, batches)[rank::world_size] if batches else []
        self._filling = order[-1:]

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[PlannedBatch]:
        for rows in self._batches:
            yield PlannedBatch(rows if len(rows) else self._filling, blank=not len(rows))


def evaluation_plan(lengths: np.ndarray, batch_size: PositiveInt, world_size: int) -> Iterator[PlannedBatch]:
    """The batches of all ranks that hold rows, one after the other."""
    for rank in range(world_size):
        planned = EvalBatches(lengths=lengths, batch_size=batch_size, rank=rank, world_size=world_size)
        yield from (batch for batch in planned if not batch.blank)


def micro_batches(batch_size: int, micro_batch_size: int | None) -> int:
    """How many micro-batches a batch has, all of them as equal as can be."""
    return -(-batch_size // (micro_batch_size or batch_size))


def _cut(rows: np.ndarray, size: int) -> list[np.ndarray]:
    """Consecutive pieces of ``size`` rows; the last one may have fewer."""
    return np.split(rows, range(size, len(rows), size))
