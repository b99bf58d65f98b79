"""What a training configuration consists of: its sections, and what the Trainer must not be told."""

SECTIONS: dict[str, str | None] = {
    "data": None,
    "limit": "polarity.data.limit.Limit",
    "batching": "polarity.data.batching.Batching",
    "model": "polarity.models.encoder.EncoderSettings",
    "pretraining": "polarity.pretraining.base.Pretraining",
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


PLACES = (
    *("output_dir", "cache_dir", "save_dir", "dirpath", "folder", "path", "train", "val", "test", "texts", "name"),
    *("from", "resume", "teacher", "run", "runs", "input", "output", "filename"),
)
"""What settings are called that are places of files or folders; a model may have its name on the hub as well."""

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

_UNUSED = ("", "_find_unused_parameters_false", "_find_unused_parameters_true")
_STAGES = ("", "_stage_1", "_stage_2", "_stage_2_offload", "_stage_3", "_stage_3_offload", "_stage_3_offload_nvme")
TRAINER_NAMES: dict[str, tuple[str, ...]] = {
    "accelerator": ("auto", "cpu", "gpu", "cuda", "mps", "tpu"),
    "strategy": (
        *("auto", "fsdp", "fsdp_cpu_offload", "single_device", "single_tpu", "single_xla", "xla", "xla_debug"),
        *(f"ddp{way}{unused}" for way in ("", "_spawn", "_fork", "_notebook") for unused in _UNUSED),
        *(f"deepspeed{stage}" for stage in _STAGES),
    ),
    "profiler": ("simple", "advanced", "pytorch", "xla"),
}
"""Names that arguments of the Trainer take, which its annotations do not tell."""

TRAINER_REGISTRIES = {
    "accelerator": ("lightning.pytorch.accelerators", "AcceleratorRegistry"),
    "strategy": ("lightning.pytorch.strategies", "StrategyRegistry"),
}
"""Where plug-ins register further ones: module and name."""

UNITS = ("weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds")
"""Of a time that the Trainer is given as a mapping."""

PRECISIONS = ("32-true", "16-mixed", "bf16-mixed")
