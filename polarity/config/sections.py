"""What a training configuration consists of: its root settings, its sections, and what the Trainer must not be told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from polarity.content import Config
from polarity.paths import cache_dir
from polarity.settings import PositiveInt, Seed

FoldCount = Annotated[int, Field(ge=2)]


class SweepSettings(BaseModel, extra="forbid"):
    """What a sweep is called, and whether it tries failed jobs again."""

    name: Annotated[str, Field(pattern=r"^[^/\\]+$")] | None
    retry: Literal["failed"] | None


SECTIONS: dict[str, str | None] = {
    "data": None,
    "limit": "polarity.data.limit.Limit",
    "batching": "polarity.data.batching.Batching",
    "model": "polarity.models.encoder.EncoderSettings",
    "head": "polarity.models.heads.Head",
    "loss": "polarity.losses.base.MultiTaskLoss",
    "regularizer": "polarity.regularizers.base.Regularizer",
    "sampler": "polarity.samplers.base.Sampler",
    "optimizer": "polarity.optimizers.base.Optimizer",
    "scheduler": "polarity.schedulers.base.Scheduler",
    "clipping": "polarity.clipping.base.Clipping",
    "calibration": "polarity.calibration.base.Calibration",
    "decision": "polarity.decisions.base.Decision",
    "reporting": "polarity.reporting.Reporting",
    "trainer": None,
}
"""Sections that hold one component, with the class it derives from (None: any class with the right methods).

By their names, as in :class:`polarity.config.components.Components`, since importing them takes seconds.
"""


@dataclass(frozen=True)
class RootSettings:
    """Settings that stand at the root of the configuration.

    :param seed: of weights, dropout and draws; splits have their own, so that seeds compare on the same rows.
    :param monitor: the score that chooses the best checkpoint, stops early and is returned to a sweep.
    :param mode: ``max`` or ``min``.
    :param test: whether the test split is predicted and scored; null: in a single run, and not in the jobs of a sweep.
    :param folds: cross-validation with so many folds, each trained on the others; null for one ordinary run.
    :param repeats: how often that is done, each time with other folds.
    :param fold: only this fold, as an ordinary run; null for all.
    :param output_dir: where run folders are made.
    :param cache_dir: where tokens and fetched corpora are kept; null for the user's cache folder.
    :param resume: folder of a stopped run or sweep that is to go on; then nothing else may be given.
    :param origin: folder of a finished run (the key ``from``) whose weights training begins with.
    :param trust: with ``resume``, modules of others whose code the run's configuration may name.
    :param run_dir: filled in when the run's folder is made, for loggers that write into it.
    :param sweep: of a sweep as a whole; null in its jobs, and without one.
    """

    seed: Seed
    monitor: str
    mode: Literal["max", "min"]
    test: bool | None
    folds: FoldCount | None
    repeats: PositiveInt
    fold: PositiveInt | None
    output_dir: str
    cache_dir: str | None
    resume: str | None
    origin: str | None
    trust: str | list[str] | None
    run_dir: str | None
    sweep: SweepSettings

    @property
    def cache(self) -> Path:
        """The folder of what can be made again."""
        return cache_dir(self.cache_dir)


TRAINER_OWNED: dict[str, str] = {
    "accumulate_grad_batches": "use batching.accumulate",
    "gradient_clip_val": "use clipping=norm clipping.max_norm=...",
    "gradient_clip_algorithm": "use the group clipping",
    "callbacks": "use the group callbacks",
    "logger": "use the group logger",
    "default_root_dir": "use output_dir",
    "use_distributed_sampler": "rows are shared out over devices by the project's own samplers",
    "num_sanity_val_steps": "sanity batches would pollute the first score",
    "limit_train_batches": "use limit.train, or sampler.rows_per_epoch",
    "limit_val_batches": "use limit.val",
    "limit_test_batches": "use limit.test",
    "limit_predict_batches": "training does not predict",
    "overfit_batches": "use debug=overfit",
    "fast_dev_run": "use debug=one_batch",
    "val_check_interval": "every epoch is validated once, as a whole",
    "check_val_every_n_epoch": "every epoch is validated once, as a whole",
    "reload_dataloaders_every_n_epochs": "the draw of each epoch is planned by the sampler",
    "enable_checkpointing": "a run without checkpoints has no score that can be trusted",
    "barebones": "a run without checkpoints has no score that can be trusted",
    "inference_mode": "evaluation never keeps gradients",
    "enable_autolog_hparams": "the settings are logged with the scores of the best checkpoint",
    "model_registry": "checkpoints are not uploaded",
    "sync_batchnorm": "no encoder has batch normalisation",
}
"""Arguments of the Trainer that have their own group here, or would change what a score means."""

PRECISIONS = ("32-true", "16-mixed", "bf16-mixed")


ROOT_KEYS = {name: {"origin": "from"}.get(name, name) for name in RootSettings.__dataclass_fields__}
"""The key of each root setting; ``from`` is no name in Python."""


def as_root(config: Config) -> RootSettings:
    """The root settings of a checked configuration."""
    return RootSettings(**{name: config[key] for name, key in ROOT_KEYS.items()})
