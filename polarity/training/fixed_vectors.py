"""An encoder that does not train computes its vectors once: for the run, and for the next ones on the same texts."""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Self

import lightning
import numpy as np
import torch
from lightning import LightningModule, Trainer

from polarity.data.cache import built_once
from polarity.data.plan import evaluation_plan
from polarity.data.reading import Inputs
from polarity.data.vectors import VECTORS
from polarity.evaluation.inference import autocast, in_order
from polarity.models.components import of_this_project
from polarity.models.encoder import Encoder
from polarity.models.mark import mark_of
from polarity.models.standard import Standard
from polarity.progress import progress
from polarity.training.assembled import Assembled
from polarity.training.module import MultiTaskModule


@dataclass(frozen=True)
class VectorCache:
    """Vectors of fixed encoders, kept by the weights, the inputs, and all else that decides their bits.

    :param folder: where they lie.
    :param batch_size: most rows of a batch on each device; ``world_size`` is how many devices evaluate.
    """

    folder: Path
    batch_size: int
    device: torch.device
    precision: str = "32-true"
    world_size: int = 1

    @classmethod
    def of(cls, assembled: Assembled, trainer: Trainer) -> Self:
        """That of a run, whose batches are those in which it evaluates."""
        folder, device = assembled.prepared.root.cache / VECTORS, trainer.strategy.root_device
        return cls(folder, assembled.data.eval_batch_size, device, str(trainer.precision), trainer.world_size)

    def vectors(self, encoder: Encoder, inputs: Inputs) -> np.ndarray:
        """What :meth:`Encoder.before` gives in evaluation mode, float32 ``[rows, width]``, mapped where it is kept."""
        if not of_this_project(encoder.architecture()):
            return self._computed(encoder, inputs)  # code of others may change unseen
        settings = [self.batch_size, self.world_size, self.precision, self.device.type]
        mark = _mark(encoder, inputs, [*settings, torch.get_num_threads()])
        return built_once(self.folder / mark, lambda: {VECTORS: self._computed(encoder, inputs)})[VECTORS]

    def _computed(self, encoder: Encoder, inputs: Inputs) -> np.ndarray:
        training = encoder.training
        encoder.to(self.device).eval()
        rows, vectors = [], []
        with progress("vectors", len(inputs)) as advance, torch.inference_mode(), autocast(self.device, self.precision):
            for planned in evaluation_plan(inputs.lengths, self.batch_size, self.world_size):
                numbers = planned.rows
                batch = {name: value.to(self.device) for name, value in inputs.batch(numbers).items()}
                rows.append(torch.from_numpy(numbers))
                vectors.append(encoder.before(**batch).float().cpu())
                advance(len(numbers))
        encoder.train(training)
        return in_order(rows, vectors, len(inputs))


class FixedVectors(lightning.Callback):
    """Puts vectors in place of the texts before training, as far as the encoder says that they never change."""

    def __init__(self, assembled: Assembled) -> None:
        self._assembled = assembled

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Before Lightning asks for batches, which it does to count them."""
        assert isinstance(pl_module, MultiTaskModule)
        encoder, cache = pl_module.model.encoder, VectorCache.of(self._assembled, trainer)
        self._assembled.data.fix(lambda inputs: encoder.fix(inputs, cache.vectors))


def fixed_as_in_training(saved: Encoder, trained: Encoder) -> Encoder:
    """The encoder that was read back, which keeps what was kept in training."""
    its = dict(trained.named_parameters())
    for name, weight in saved.named_parameters():
        weight.requires_grad = name not in its or its[name].requires_grad  # what adapters were merged into was trained
    return saved


def _mark(encoder: Encoder, inputs: Inputs, settings: list[object]) -> str:
    """A name for vectors; what they are standardised by comes after them, and is learnt from them."""
    own = (
        weight
        for module in encoder.modules()
        if not isinstance(module, Standard)
        for weight in chain(module.named_parameters(recurse=False), module.named_buffers(recurse=False))
    )
    return mark_of([encoder.architecture(), *settings], own, inputs)
