"""Lightning's way to the data: planned batches of an encoder's inputs."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch import LightningDataModule
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from polarity.content import State
from polarity.data.plan import EvalBatches, PlannedBatch, TrainBatches, evaluation_plan
from polarity.data.reading import Inputs
from polarity.data.rows import Splits
from polarity.errors import UserError
from polarity.samplers.base import Sampler
from polarity.settings import PositiveInt
from polarity.tasks import IGNORE_INDEX

Batch = dict[str, Tensor | list[Tensor]]


class InputsDataset(Dataset[Batch]):
    """One split as the model sees it; its items are whole batches.

    :param labels: int64 ``[rows, tasks]``.
    :param teacher: what another model says about the rows, float32 ``[rows, classes]`` per task; None: there is none.
    """

    def __init__(self, inputs: Inputs, labels: np.ndarray, teacher: Sequence[np.ndarray] | None = None) -> None:
        self.inputs = inputs
        self.labels = labels
        self.teacher = teacher

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, planned: PlannedBatch) -> Batch:
        """The encoder's inputs, ``labels [rows, tasks]``, ``rows``; in training ``window``, perhaps ``teacher``."""
        batch: Batch = {
            **self.inputs.batch(planned.rows),
            "labels": torch.from_numpy(self.labels[planned.rows]),
            "rows": torch.from_numpy(planned.rows),
        }
        if planned.blank:
            batch |= {"labels": torch.full((len(planned.rows), self.labels.shape[1]), IGNORE_INDEX),
                      "rows": torch.from_numpy(planned.rows[:0])}  # fmt: skip
        if planned.window is not None:
            batch["window"] = [torch.from_numpy(counts) for counts in planned.window]
        if self.teacher is not None:
            batch["teacher"] = [torch.from_numpy(said[planned.rows]) for said in self.teacher]
        return batch


class TrainLoader(DataLoader[Batch]):
    """A loader that resumes within an epoch. Lightning recognises it by these two methods and then does not warn.

    The position itself is kept by :class:`TextDataModule`: Lightning restores a data module before it makes the
    loader's iterator, but a loader only afterwards when the number of steps was asked for while the optimizer was set
    up, which is too late.
    """

    def state_dict(self) -> State:
        return {}

    def load_state_dict(self, state_dict: State) -> None:
        """Nothing to do: see above."""


class TextDataModule(LightningDataModule):
    """Loaders for all splits of a corpus.

    Needs ``Trainer(use_distributed_sampler=False)``: the batches already know their rank. A checkpoint holds the
    position within the epoch, so that a run resumed from it goes on with the very next batch.

    :param inputs: the inputs of each split, by the split's name.
    :param sampler: fitted on the training split.
    :param batch_size: rows of a training batch over all devices.
    :param eval_batch_size: most rows per evaluation batch on each device.
    :param accumulate: training batches per optimizer step.
    :param micro_batch_size: most rows of a training batch that go through the model at once; None for all.
    :param mega_batches: training batches among which rows are sorted by length; None for no grouping.
    :param teacher: what another model says about the training rows, see :class:`InputsDataset`.
    :param num_workers: processes that assemble batches; 0 is right for all but slow disks.
    """

    def __init__(
        self,
        *,
        splits: Splits,
        inputs: Mapping[str, Inputs],
        sampler: Sampler,
        batch_size: PositiveInt,
        eval_batch_size: PositiveInt,
        accumulate: PositiveInt,
        mega_batches: PositiveInt | None,
        seed: int,
        num_workers: int,
        pin_memory: bool,
        micro_batch_size: PositiveInt | None = None,
        teacher: Sequence[np.ndarray] | None = None,
    ) -> None:
        super().__init__()
        self.splits = splits
        self.inputs = inputs
        self.sampler = sampler
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.accumulate = accumulate
        self.micro_batch_size = micro_batch_size
        self.mega_batches = mega_batches
        self.seed = seed
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.train_batches: TrainBatches | None = None
        said = {"train": teacher}
        self._datasets = {
            name: InputsDataset(inputs[name], rows.labels, said.get(name)) for name, rows in splits.items()
        }
        self._fixed: dict[str, InputsDataset] = {}
        self._resume_at: tuple[int, int] | None = None

    def fix(self, fixed: Callable[[Mapping[str, Inputs]], Mapping[str, Inputs]]) -> None:
        """Train, and validate while training, on other inputs that give the same; :meth:`evaluation_batches` does not.

        :param fixed: from inputs by split to others.
        """
        used = fixed({split: self.inputs[split] for split in ("train", "val")})
        plain = self._datasets
        self._fixed = {
            split: InputsDataset(inputs, plain[split].labels, plain[split].teacher) for split, inputs in used.items()
        }

    def train_dataloader(self) -> TrainLoader:
        """Batches of the training split; ``train_batches`` is their plan."""
        if self.trainer is not None and getattr(self.trainer, "overfit_batches", False):
            raise UserError("trainer.overfit_batches: it replaces the batch plan; train on few rows instead")
        self.train_batches = self._plan()
        if self._resume_at is not None:
            self.train_batches.resume_at(*self._resume_at)
            self._resume_at = None
        dataset = self._fixed.get("train", self._datasets["train"])
        return TrainLoader(dataset, sampler=self.train_batches, **self._loading())

    def val_dataloader(self) -> DataLoader[Batch]:
        return self.eval_dataloader("val")

    def eval_dataloader(self, split: str) -> DataLoader[Batch]:
        """Each row of a split once over all ranks."""
        dataset = self._fixed.get(split, self._datasets[split])
        rank, world_size = self._place()
        batches = EvalBatches(
            lengths=dataset.inputs.lengths, batch_size=self.eval_batch_size, rank=rank, world_size=world_size
        )
        return DataLoader(dataset, sampler=batches, **self._loading())

    def training_batch(self, rows: np.ndarray) -> Batch:
        """These rows as training sees them, but not of any window."""
        return self._fixed.get("train", self._datasets["train"])[PlannedBatch(rows)]

    def evaluation_batches(self, split: str, *, inputs: Inputs | None = None, world_size: int = 1) -> Iterator[Batch]:
        """The batches of all ranks, one after the other: the very ones that ``world_size`` devices evaluate.

        :param inputs: other ones that give the same.
        """
        dataset = self._datasets[split]
        dataset, lengths = InputsDataset(inputs or dataset.inputs, dataset.labels), dataset.inputs.lengths
        yield from (dataset[planned] for planned in evaluation_plan(lengths, self.eval_batch_size, world_size))

    def state_dict(self) -> State:
        """The epoch and the number of its batches that are done, from whatever hook the checkpoint is saved."""
        if self.trainer is None or self.train_batches is None:
            return {}
        done = self.trainer.fit_loop.epoch_loop.batch_progress.total.state_dict()["processed"]
        epoch, batch = divmod(done, self.train_batches.limit)
        return {"epoch": epoch, "batch": batch}

    def load_state_dict(self, state_dict: State) -> None:
        if self.trainer is not None and self.trainer.state.fn == TrainerFn.FITTING:
            self._resume_at = (int(state_dict["epoch"]), int(state_dict["batch"]))
            if self.train_batches is not None:  # some strategies load a checkpoint after all else is ready
                self.train_batches.resume_at(*self._resume_at)

    def teardown(self, stage: str) -> None:
        """What is fitted next begins at its beginning."""
        self._resume_at = None

    def _plan(self) -> TrainBatches:
        rank, world_size = self._place()
        batches = TrainBatches(
            sampler=self.sampler,
            labels=self.splits.train.labels,
            class_numbers=[len(task.classes) for task in self.splits.tasks],
            lengths=self._datasets["train"].inputs.lengths,
            batch_size=self.batch_size,
            accumulate=self.accumulate,
            micro_batch_size=self.micro_batch_size,
            mega_batches=self.mega_batches,
            seed=self.seed,
            rank=rank,
            world_size=world_size,
        )
        if self.trainer is not None:
            limit = self.trainer.limit_train_batches
            batches.limit = min(len(batches), limit) if isinstance(limit, int) else int(len(batches) * limit)
        return batches

    def _loading(self) -> State:
        # Rows are copied out of mapped memory in less time than a worker needs to send them.
        warnings.filterwarnings("ignore", message=r".*does not have many workers", category=PossibleUserWarning)
        return {
            "batch_size": None,  # the items of the data set are batches already
            "num_workers": self.num_workers,
            "persistent_workers": self.num_workers > 0,
            "pin_memory": self.pin_memory,
            "generator": torch.Generator().manual_seed(self.seed),  # else each epoch uses up a global random number
        }

    def _place(self) -> tuple[int, int]:
        return (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)
