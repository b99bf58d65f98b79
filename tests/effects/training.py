"""What callbacks, loggers and the settings of the Trainer do to a run, on a tiny model with scripted scores."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, Checkpoint, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers.logger import DummyLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from polarity.clipping import NormClipping
from polarity.config.compose import RUN_DIR, in_folder
from polarity.config.precision import precision_of
from polarity.data.module import TextDataModule
from polarity.losses import CrossEntropyLoss
from polarity.models.huggingface.tokens import TokenStore
from polarity.optimizers import AdamW
from polarity.regularizers import NoRegularizer
from polarity.run import RunDirectory
from polarity.samplers import NaturalSampler
from polarity.schedulers import LinearScheduler
from polarity.training.callbacks.finite import NonFiniteLossError, StopOnNonFiniteLoss
from polarity.training.callbacks.resume import ResumePoint
from polarity.training.manifest import Manifest
from polarity.training.module import MultiTaskModule
from polarity.training.run import build_trainer
from tests.effects.corpus import TASKS, splits
from tests.effects.outcome import Effect, Section, built
from tests.effects.settings import Special
from tests.tiny import tiny_classifier, tiny_tokenizer

EPOCHS = 11
AUTO, _ = precision_of(torch.device("cpu"))
"""What trainer.precision=auto is here."""

SCORES = {
    "val/macro_f1": (0.30, 0.35, 0.25, 0.34, 0.24, 0.33, 0.23, 0.32, 0.22, 0.31, 0.21),
    "val/loss": (1.0, 0.9, 0.95, 0.7, 0.8, 0.85, 0.75, 0.65, 0.6, 0.5, 0.4),
}
SPECIAL: Special = {
    ("Callback", "monitor"): ["val/loss"],
    ("Callback", "mode"): ["min"],
    ("BestCheckpoints", "save_top_k"): [2, 6],
    ("EarlyStopping", "patience"): [4],
    ("EarlyStopping", "min_delta"): [0.1],
    ("ResumePoint", "minutes"): [0.0],
    ("LearningRateMonitor", "logging_interval"): ["epoch"],
    ("GradientCosine", "every_n_batches"): [1],
    ("StopOnNonFiniteLoss", "every_n_batches"): [3],
    ("EMAWeightAveraging", "update_every_n_steps"): [2],
    ("Trainer", "accelerator"): ["cpu" if torch.accelerator.is_available() else "gpu"],
    ("Trainer", "devices"): [3],
    ("Trainer", "precision"): [name for name in ("bf16-mixed", "32-true") if name != AUTO],
    ("Trainer", "log_every_n_steps"): [3],
    ("Trainer", "deterministic"): [True],
    ("Trainer", "enable_model_summary"): [True],
    ("Trainer", "enable_progress_bar"): [True],
    ("Trainer", "profiler"): [None, "advanced"],
    ("DDPStrategy", "forward_sync_buffers"): [True],
    ("Logger", "save_dir"): [f"{RUN_DIR}/elsewhere"],
    ("Logger", "name"): ["another"],
    ("Logger", "version"): ["another"],
    ("CSVLogger", "flush_logs_every_n_steps"): [4],
}

ELSEWHERE = {
    ("Trainer", "accelerator"): "any other than that of this machine is refused on it",
    ("EMAWeightAveraging", "use_buffers"): "any other would spoil the encoder",
    ("PretrainedEncoder", "lora_alpha"): "felt beside lora_rank alone, which no preset sets: tests/models/test_lora.py",
    ("PretrainedEncoder", "lora_dropout"): "as above",
    ("PretrainedEncoder", "lora_targets"): "as above",
}


class Scores(LightningModule):
    """Nothing but scores, those of the script, for what only watches them."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        return self.weight.sum()

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log_dict({name: values[self.current_epoch] for name, values in SCORES.items()}, batch_size=1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Model(MultiTaskModule):
    """A tiny one, of which more is asked than scores.

    :param spoilt: whether its loss is not a number.
    """

    def __init__(self, *, spoilt: bool) -> None:
        torch.manual_seed(0)
        loss = CrossEntropyLoss()
        loss.bind(TASKS, splits(12, 9).train.class_counts(TASKS))
        super().__init__(
            model=tiny_classifier(tasks=TASKS, layers=1, width=8),
            tasks=TASKS,
            loss=loss,
            regularizer=NoRegularizer(),
            optimizer=AdamW(lr=0.05),
            scheduler=LinearScheduler(),
            clipping=NormClipping(),
        )
        self.spoilt = spoilt

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        loss = super().training_step(batch, batch_idx)
        return loss * float("nan") if self.spoilt else loss


@cache
def data() -> TextDataModule:
    texts, sampler, folder = splits(12, 9), NaturalSampler(rows_per_epoch=None), Path(mkdtemp())
    stores = {name: TokenStore.open(rows, tiny_tokenizer(), 16, folder) for name, rows in texts.items()}
    sampler.fit(texts.train.labels, TASKS, seed=0)
    settings: Any = {"batch_size": 6, "eval_batch_size": 9, "accumulate": 1, "mega_batches": None}
    return TextDataModule(
        splits=texts, inputs=stores, sampler=sampler, seed=0, num_workers=0, pin_memory=False, **settings
    )


CLOCK = {"seconds", "rows_per_second"}
"""What is another number each time."""


class Recorder(DummyLogger):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.logged: list[Any] = []

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:  # type: ignore[override]  # as Lightning's
        timeless = {name: value for name, value in dict(metrics).items() if name not in CLOCK}
        if timeless:
            self.logged.append((step, timeless))


class CountSaves(Callback):
    """How many batches were trained, and how often the point to resume from was written."""

    def __init__(self) -> None:
        self.batches, self.saves = 0, 0

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        self.batches += 1

    def on_save_checkpoint(self, *_: Any, **__: Any) -> None:
        self.saves += 1


def callback(section: Section) -> Effect:
    """A run with this callback alone: how long it is, what is kept, logged and printed."""
    component, counted, recorder = built("callbacks", section), CountSaves(), Recorder()
    watches = isinstance(component, (EarlyStopping, ModelCheckpoint))
    module = Scores() if watches else Model(spoilt=isinstance(component, StopOnNonFiniteLoss))
    run = RunDirectory.create(mkdtemp(), {}, [])
    Manifest(run).begin()
    made = Trainer(
        max_epochs=EPOCHS if watches else 3,
        accelerator="cpu",
        callbacks=[component, counted],
        logger=recorder,
        default_root_dir=str(run.path),
        log_every_n_steps=1,
        enable_checkpointing=isinstance(component, Checkpoint),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
    )
    message = ""
    try:
        made.fit(module, datamodule=data())
    except NonFiniteLossError as error:
        message = str(error)
    if isinstance(component, ResumePoint):
        component.conclude(run)
    kept = sorted(path.name for path in run.checkpoints.iterdir())
    printed = re.sub(r"\d+ s, \d+ rows/s", "", run.log.read_text()) if run.log.exists() else ""
    return Effect([counted.batches, counted.saves, kept, printed, message, recorder.logged])


def trainer(section: Section) -> Effect:
    """What the Trainer has become of its settings."""
    with deterministic_or_not():
        if section["precision"] == "auto":  # a checked configuration holds what that has come to
            section = {**section, "precision": AUTO}
        config = {"trainer": section, "logger": {}, "batching": {"accumulate": 1}}
        made = build_trainer(config, RunDirectory(mkdtemp()), [])
        strategy = made.strategy
        return Effect(
            [
                made.max_epochs,
                type(made.accelerator).__name__,
                type(strategy).__name__,
                getattr(strategy, "_ddp_kwargs", None),
                made.world_size,
                made.precision,
                torch.are_deterministic_algorithms_enabled(),
                made.log_every_n_steps,
                type(made.profiler).__name__,
                sorted(type(callback).__name__ for callback in made.callbacks),
            ]
        )


@contextmanager
def deterministic_or_not() -> Iterator[None]:
    """Torch as it was before."""
    before = torch.are_deterministic_algorithms_enabled()
    yield
    torch.use_deterministic_algorithms(before)


def logger(section: Section) -> Effect:
    """What stands where in the run's folder after the calls that a run makes."""
    folder = Path(mkdtemp())
    component = built("logger", in_folder(section, str(folder)))
    for step in range(10):
        component.log_metrics({"val/macro_f1": step / 10}, step=step)
    early = {path: path.read_text() for path in sorted(folder.rglob("*.csv"))}
    component.log_hyperparams({"loss.gamma": 2.0}, **({"metrics": {"best": 1.0}} if "Tensor" in str(section) else {}))
    component.save()
    component.finalize("success")
    result = {str(path.relative_to(folder)): early.get(path) for path in sorted(folder.rglob("*")) if _named(path)}
    return Effect([result, [scalars(path.parent) for path in sorted(folder.rglob("events.*"))]])


def _named(path: Path) -> bool:
    """Whether a file's name is the same in each run."""
    return path.is_dir() or not path.name.startswith("events.")


def scalars(folder: Path) -> list[str]:
    events = EventAccumulator(str(folder)).Reload()
    return sorted(events.Tags()["scalars"])
