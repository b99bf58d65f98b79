"""Settings of what goes through the model at once."""

from typing import Annotated

from pydantic import Field

from polarity.component import Component, Context
from polarity.content import Config
from polarity.errors import UserError
from polarity.settings import NonNegativeInt, PositiveInt
from polarity.wording import times

ContextShare = Annotated[float, Field(gt=0, lt=1)]


class Batching(Component):
    """How many rows and tokens go through the model at once; :mod:`polarity.data.plan` makes the batches.

    :param batch_size: rows of a batch over all devices, so that the number of devices never changes a step.
    :param accumulate: batches per optimizer step.
    :param micro_batch_size: most rows of a batch that go through the model in one pass, over all devices; None: as many
        as fit into memory, see :mod:`polarity.training.micro_batches`.
    :param mega_batches: batches among which drawn rows are sorted by length; None for no grouping.
    :param eval_batch_size: most rows per evaluation batch and device.
    :param max_length: tokens per row including special tokens; longer texts are cut.
    :param max_context: share of ``max_length`` that the context of a pair may fill: a longer one is cut, and the text
        gets the rest; None: contexts are never cut, and one that leaves no room is refused.
    :param num_workers: processes that assemble batches; 0 is right for tokens on a local disk.
    :param pin_memory: use page-locked memory, which speeds up copies to a GPU.
    """

    def __init__(
        self,
        *,
        batch_size: PositiveInt,
        accumulate: PositiveInt,
        micro_batch_size: PositiveInt | None,
        mega_batches: PositiveInt | None,
        eval_batch_size: PositiveInt,
        max_length: PositiveInt,
        max_context: ContextShare | None,
        num_workers: NonNegativeInt,
        pin_memory: bool,
    ) -> None:
        if mega_batches == 1:
            raise UserError("mega_batches: has no effect at 1, since a single batch cannot be regrouped; use null")
        self.batch_size = batch_size
        self.accumulate = accumulate
        self.micro_batch_size = micro_batch_size
        self.mega_batches = mega_batches
        self.eval_batch_size = eval_batch_size
        self.max_length = max_length
        self.max_context = max_context
        self.num_workers = num_workers
        self.pin_memory = pin_memory

    def steps(self, rows: int) -> int:
        """Optimizer steps of an epoch that draws so many rows."""
        return -(-rows // (self.batch_size * self.accumulate))

    def conflicts(self, context: Context) -> list[str]:
        problems = []
        if context.positions is not None and self.max_length > context.positions:
            problems.append(
                f"max_length: {self.max_length} is more than the {times(context.positions, 'token')} of this encoder"
            )
        micro = self.micro_batch_size
        if micro is not None and micro > self.batch_size:
            problems.append(f"micro_batch_size: {micro} is more than the {times(self.batch_size, 'row')} of a batch")
        for name, rows in (("batch_size", self.batch_size), ("micro_batch_size", micro)):
            if rows is not None and context.devices is not None and rows < context.devices:
                problems.append(f"{name}: {times(rows, 'row')} cannot be shared by {context.devices} devices")
        return problems

    def loader_settings(self) -> Config:
        """The settings that :class:`~polarity.data.module.TextDataModule` takes."""
        return {name: value for name, value in self.settings.items() if name not in ("max_length", "max_context")}
