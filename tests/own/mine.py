"""A module of a user's own, outside of the project: what docs/extending.md promises is written here as users would."""

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack
from zlib import crc32

import numpy as np
import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import get_ema_multi_avg_fn
from transformers.modeling_outputs import BaseModelOutput

from polarity.component import Progress
from polarity.data.reading import Inputs, Reader
from polarity.data.rows import Rows
from polarity.losses import LossSettings, MultiTaskLoss
from polarity.models import Encoder, EncoderSettings
from polarity.models.pooling import Pooling
from polarity.models.pooling.base import masked_mean
from polarity.settings import Fraction, Positive, PositiveInt, ProperFraction
from polarity.tasks import Task


class LDAM(MultiTaskLoss):
    """Margins that are larger for rare classes, with deferred re-weighting (LDAM-DRW).

    Cao et al., Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss, NeurIPS 2019 (arXiv 1906.07413):
    cross-entropy of ``scale * (z - m_y [c = y])`` with ``m_c = max_margin (n_c / min n)^(-1/4)``. Class weights are 1
    until the share ``deferred`` of training lies behind.
    """

    def __init__(
        self,
        *,
        max_margin: Positive = 0.5,
        scale: Positive = 1.0,
        deferred: Fraction = 0.5,
        **shared: Unpack[LossSettings],
    ) -> None:
        super().__init__(**shared)
        self.max_margin, self.scale, self.deferred = max_margin, scale, deferred

    def bind(self, tasks: Sequence[Task], class_counts: Sequence[Sequence[int] | np.ndarray]) -> None:
        super().bind(tasks, class_counts)
        for number, count in enumerate(class_counts):
            rarity = torch.tensor(np.asarray(count), dtype=torch.float32).clamp_min(1) ** -0.25
            self.register_buffer(f"margins_{number}", self.max_margin * rarity / rarity.max(), persistent=False)

    def weights_at(self, progress: Progress) -> list[Tensor]:
        late = progress.fraction >= self.deferred
        return self.weights if late else [torch.ones_like(weights) for weights in self.weights]

    def row_losses(
        self, task_number: int, logits: Tensor, target: Tensor, weights: Tensor, progress: Progress
    ) -> Tensor:
        margins = F.one_hot(target, logits.shape[1]) * self.get_buffer(f"margins_{task_number}")
        smoothing = self.task_smoothing[task_number]
        scaled = self.scale * (logits - margins)
        return F.cross_entropy(scaled, target, weights, reduction="none", label_smoothing=smoothing)


SMALLEST = 1e-6
"""Powers need numbers above 0."""


def clamped(hidden: Tensor) -> Tensor:
    """A helper that stands beside the class."""
    return hidden.clamp(min=SMALLEST)


class GeM(Pooling):
    """Generalised mean of the real tokens with a learnt power, of Radenovic et al., TPAMI 2019 (arXiv 1711.02512)."""

    def __init__(self, *, power: Positive = 3.0) -> None:
        super().__init__()
        self.power = power

    def bind(self, width: int) -> None:
        """A power for each feature."""
        self.powers = nn.Parameter(torch.full((width,), float(self.power)))

    def forward(self, output: BaseModelOutput, attention_mask: Tensor) -> Tensor:
        """Vectors ``[B, width]``."""
        assert output.last_hidden_state is not None
        powered = clamped(output.last_hidden_state) ** self.powers
        return masked_mean(powered, attention_mask) ** (1 / self.powers)


class Words(Reader):
    """Splits at blanks and numbers the words by a hash, which any language has without a vocabulary."""

    def __init__(self, buckets: int) -> None:
        self.buckets = buckets

    def inputs(
        self, rows: Rows, max_length: int, max_context: float | None = None, cache: Path | None = None
    ) -> "WordInputs":
        words = [f"{context} {text}".split() for context, text in zip(rows.contexts, rows.text, strict=True)]
        numbers = [[crc32(word.encode()) % self.buckets for word in found[:max_length]] or [0] for found in words]
        return WordInputs(numbers, truncated=sum(len(found) > max_length for found in words))


class WordInputs(Inputs):
    """Numbers of words, padded with -1."""

    def __init__(self, numbers: list[list[int]], truncated: int) -> None:
        super().__init__(np.array([len(found) for found in numbers], dtype=np.int32), truncated=truncated)
        self.numbers = numbers

    def batch(self, rows: np.ndarray) -> dict[str, Tensor]:
        chosen = [torch.tensor(self.numbers[row]) for row in rows]
        return {"words": nn.utils.rnn.pad_sequence(chosen, batch_first=True, padding_value=-1)}


class BagOfWords(Encoder):
    """The mean of word vectors."""

    reader = Words

    def __init__(self, buckets: int, width: int) -> None:
        super().__init__()
        self.buckets, self.width = buckets, width
        self.table = nn.Embedding(buckets, width)

    def forward(self, words: Tensor) -> Tensor:  # type: ignore[override]
        """Vectors ``[B, width]`` of word numbers ``[B, L]``."""
        real = (words >= 0)[..., None]
        vectors: Tensor = (self.table(words.clamp_min(0)) * real).sum(dim=1) / real.sum(dim=1)
        return vectors


class BagOfWordsSettings(EncoderSettings):
    """Settings of :class:`BagOfWords`."""

    def __init__(self, *, buckets: PositiveInt = 1000, width: PositiveInt = 16) -> None:
        self.buckets, self.width = buckets, width

    def make_reader(self, rows: Rows | None = None) -> Words:
        return Words(self.buckets)

    def build(self, reader: Reader) -> BagOfWords:
        return BagOfWords(self.buckets, self.width)


class EMA(WeightAveraging):
    """An exponential moving average of the weights, updated after every so many steps."""

    def __init__(self, *, decay: ProperFraction = 0.99, every: PositiveInt = 1) -> None:
        super().__init__(use_buffers=False, multi_avg_fn=get_ema_multi_avg_fn(decay))
        self.every = every

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        return step_idx is not None and step_idx % self.every == 0
