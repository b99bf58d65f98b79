"""How fast training was, in one line at its end: rows and tokens a second, padding, and what use the hardware was.

MFU, model FLOPs utilisation (Chowdhery et al., PaLM, JMLR 2023, appendix B): what the model's matrix products take for
the real tokens, forward and backward, in shares of what the hardware does in a large matrix product of that precision.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import nn

from polarity.component import Progress
from polarity.config.precision import precision_of
from polarity.data.module import TextDataModule
from polarity.evaluation.inference import autocast
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.training.module import MultiTaskModule

LONG_ENOUGH = 10.0
"""Seconds of training from which on the peak is measured, which takes some tenths of one."""


class Speed(Callback):
    """Counts what this process trained on, without looking at any batch, and prints the line."""

    def __init__(self) -> None:
        self.rows = self.tokens = self.places = 0
        self.flops = self.seconds = 0.0
        self._started = self._last = 0.0
        self._first: int | None = None
        self._done = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """An epoch that is resumed in its middle does not start."""
        self._started = self._last = time.monotonic()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to count."""
        self._started = self._last = time.monotonic()
        self._first = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Note where it is; a run may go on within an epoch, and what comes after the last batch is not training."""
        self._last = time.monotonic()
        self._first = batch_idx if self._first is None else self._first
        self._done = batch_idx + 1

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count the batches of the plan that were trained on."""
        assert isinstance(pl_module, MultiTaskModule)
        data: TextDataModule = trainer.datamodule  # type: ignore[attr-defined]
        assert data.train_batches is not None
        batches = [data.inputs["train"].lengths[rows] for rows in data.train_batches.plan(trainer.current_epoch)]
        trained = batches[self._first or 0 : self._done] if self._first is not None else []
        lengths = np.concatenate(trained) if trained else np.zeros(0)
        copies = pl_module.regularizer.copies(Progress(trainer.current_epoch, trainer.max_epochs or 1))
        self.rows += len(lengths)
        self.tokens += int(lengths.sum())
        self.places += sum(len(batch) * int(batch.max()) for batch in trained if len(batch))
        self.flops += copies * training_flops(pl_module.model.encoder, lengths)
        self.seconds += self._last - self._started

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say it."""
        if not trainer.is_global_zero or not self.tokens or self.seconds <= 0:
            return
        line = f"speed: {self.rows / self.seconds:.1f} rows/s"
        if self.flops:  # else no encoder has read tokens: it is frozen, or there are n-grams alone
            padding = 1 - self.tokens / self.places
            line += f", {self.tokens / self.seconds:.0f} tokens/s, {padding:.1%} padding in the batches"
        if self.flops and self.seconds >= LONG_ENOUGH and trainer.world_size == 1:
            peak = peak_flops(pl_module.device, str(trainer.precision))
            if peak is not None:
                line += f", MFU {self.flops / self.seconds / peak:.2f} of {peak / 1e9:,.0f} GFLOP/s"
        RunConsole(RunDirectory(trainer.default_root_dir).log).print(line)


def training_flops(encoder: nn.Module, lengths: np.ndarray) -> float:
    """Of the matrix products of an encoder of transformers, forward and backward, for rows of so many tokens.

    6 for each weight of a linear layer and token, 4 where it is frozen, and 12 times width for each pair of tokens and
    layer. 0 for encoders without linear layers, and for those that do not learn.
    """
    backbones = [part for part in encoder.modules() if hasattr(part, "config") and hasattr(part.config, "hidden_size")]
    if not backbones or not any(weight.requires_grad for weight in backbones[0].parameters()):
        return 0.0
    config, linear = backbones[0].config, [part for part in backbones[0].modules() if isinstance(part, nn.Linear)]
    weights = sum(part.weight.numel() * (6.0 if part.weight.requires_grad else 4.0) for part in linear)
    pairs = float(np.square(lengths.astype(np.float64)).sum())
    width = int(config.hidden_size * config.num_hidden_layers)  # type: ignore[operator, union-attr]
    return weights * float(lengths.sum()) + 12.0 * width * pairs


def peak_flops(device: torch.device, precision: str, clock: Callable[[], float] = time.perf_counter) -> float | None:
    """Of a large matrix product, a second; None where the device only emulates the precision."""
    if precision != "32-true" and precision_of(device)[0] == "32-true":
        return None
    size, seconds = 8192 if device.type == "cuda" else 1024, []
    first = torch.ones(size, size, device=device)  # no random numbers, which a run has its own use for
    with torch.no_grad(), autocast(device, precision):
        for _ in range(6):
            _finished(device)
            started = clock()
            first @ first
            _finished(device)
            seconds.append(clock() - started)
    return 2.0 * size**3 / min(seconds)


def _finished(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
