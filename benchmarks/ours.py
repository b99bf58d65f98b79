"""The project's own side of the speed comparison: the path that ``python -m polarity.train`` takes."""

import contextlib
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from benchmarks import work as settings
from benchmarks.turns import Clock
from benchmarks.work import Work
from polarity.config.compose import compose_jobs, resolved
from polarity.config.preflight import prepare
from polarity.config.trainer import build_callbacks
from polarity.errors import UserError
from polarity.models import PretrainedEncoder
from polarity.run import RunDirectory
from polarity.training.assembled import Assembled, Stages, assemble
from polarity.training.narrowed_tables import NarrowedTables
from polarity.training.trainer import build_trainer

SETTINGS = [
    "model=minilm",
    "model.pooling=last4_mean",
    f"model.dropout={settings.ENCODER_DROPOUT}",
    "head=campaign",
    f"head.layers={settings.HEAD_LAYERS}",
    f"head.width={settings.HEAD_WIDTH}",
    f"head.dropout={settings.DROPOUT}",
    f"head.trunk_width={settings.HEAD_WIDTH}",
    f"head.trunk_dropout={settings.DROPOUT}",
    "loss=focal",
    f"loss.gamma={settings.GAMMA}",
    f"loss.smoothing={settings.SMOOTHING}",
    "regularizer=rdrop",
    f"regularizer.alpha={settings.RDROP}",
    "regularizer.warmup_epochs=0",
    "regularizer.ramp_epochs=1",
    "sampler=joint",
    f"batching.batch_size={settings.BATCH}",
    f"batching.accumulate={settings.ACCUMULATE}",
    f"batching.max_length={settings.MAX_LENGTH}",
    f"batching.mega_batches={settings.ROWS // settings.BATCH}",
    f"sampler.rows_per_epoch={settings.ROWS * settings.EPOCHS}",
    f"optimizer.lr={settings.LEARNING_RATE}",
    f"optimizer.weight_decay={settings.WEIGHT_DECAY}",
    f"optimizer.layer_decay={settings.LAYER_DECAY}",
    f"optimizer.head_lr_multiplier={settings.HEAD_RATE}",
    "logger=csv",  # the peers log nothing; TensorBoard takes seconds to start
    "scheduler=linear",
    f"scheduler.warmup_ratio={settings.WARMUP}",
    "clipping=norm",
    f"clipping.max_norm={settings.CLIP}",
    f"trainer.max_epochs={settings.EPOCHS}",
    "trainer.enable_progress_bar=false",
    "callbacks.resume.minutes=100000",  # there is no run to resume
]


class TimeIsUpError(Exception):
    """Ends a fit in the middle of an epoch, without the validation that Lightning would add."""


class Clocked(Callback):
    """Tells the clock about each optimizer step."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.rows = 0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.rows += len(batch["labels"])
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if self.clock.stepped(self.rows):
                raise TimeIsUpError
            self.rows = 0


def load(overrides: Sequence[str], *, precision: str) -> Assembled:
    """A run as the command line would make it, but for the draw: the same rows again and again, as one long epoch.

    :param overrides: of data and encoder.
    """
    chosen = [*SETTINGS, f"trainer.precision={precision}", *overrides]
    (job,) = compose_jobs("train", chosen, config_dir=None, multirun=False)
    config, problems = resolved(job.config)
    if problems:
        raise UserError(problems)
    assembled = assemble(prepare(config), Stages())
    sampler = assembled.data.sampler
    draw = np.tile(sampler.draw(0)[: settings.ROWS], settings.EPOCHS)
    sampler.draw = lambda epoch: draw  # type: ignore[method-assign]  # noqa: ARG005 - the sampler's signature
    return assembled


def as_work(assembled: Assembled) -> Work:
    """What the peers need to do the same."""
    rows = assembled.prepared.splits.train
    if rows.context is not None:
        raise UserError("data: the peers are written for single texts, not for pairs")
    config, source = assembled.prepared.config, assembled.prepared.components.model
    if not isinstance(source, PretrainedEncoder):
        raise UserError("model: the peers are written for encoders of transformers")
    return Work(
        encoder=source.source,
        texts=rows.text,
        labels=rows.labels,
        weights=[np.asarray(weight.cpu()) for weight in assembled.module.loss.weights],
        draw=assembled.data.sampler.draw(0)[: settings.ROWS],
        precision=config["trainer"]["precision"],
        seed=config["seed"],
    )


def train(assembled: Assembled, clock: Clock) -> None:
    """Train until the time is up."""
    with tempfile.TemporaryDirectory() as folder:
        run = RunDirectory.create(folder, assembled.prepared.config, [])
        config = {**assembled.prepared.config, "run_dir": str(run.path)}
        callbacks = [NarrowedTables(assembled), *build_callbacks(config).values(), Clocked(clock)]
        trainer = build_trainer(config, run, callbacks)
        with contextlib.suppress(TimeIsUpError):
            trainer.fit(assembled.module, datamodule=assembled.data)
