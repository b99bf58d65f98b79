"""Whether the Trainer's settings will do, found by building one that never runs."""

import logging
import warnings

from lightning import Trainer

from polarity.component import Context
from polarity.config.build import build
from polarity.config.sections import TRAINER_OWNED
from polarity.errors import UserError
from polarity.settings import Config


def check_trainer(trainer: Config, *, multirun: bool) -> tuple[list[str], Context]:
    """What is wrong with the section of the Trainer, and as far as it is right, what components may know of it.

    :param multirun: whether the run is one of several.
    """
    problems = _setting_problems(trainer)
    epochs, precision = trainer.get("max_epochs"), trainer.get("precision")
    context = Context(epochs=epochs if isinstance(epochs, int) and epochs > 0 else None)
    if problems:
        return problems, context
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # what it says about devices is in the summary
    try:
        with warnings.catch_warnings():  # advice about devices is not for a Trainer that never runs
            warnings.simplefilter("ignore")
            built: Trainer = build(
                "trainer", trainer, logger=False, enable_checkpointing=False, enable_model_summary=False
            )
    except UserError as error:
        return [problem.replace("trainer: ", "trainer: cannot be built: ", 1) for problem in error.problems], context
    if precision == "16-mixed" and built.strategy.root_device.type == "cpu":
        problems.append("trainer.precision: 16-mixed needs a GPU; use bf16-mixed, or 32-true")
        precision = None
    if multirun and built.world_size > 1:
        problems.append(
            f"trainer.devices: {built.world_size} processes inside a multirun would each run the whole sweep; "
            "start the jobs one by one (a shell loop without -m), or give each job one device (trainer=default)"
        )
    return problems, Context(epochs=context.epochs, precision=precision, devices=built.world_size)


def _setting_problems(trainer: Config) -> list[str]:
    problems = [
        f"trainer.{key}: is not a setting here; {advice}" for key, advice in TRAINER_OWNED.items() if key in trainer
    ]
    epochs = trainer.get("max_epochs")
    if not isinstance(epochs, int) or epochs < 1:
        problems.append(f"trainer.max_epochs: must be a whole number of at least 1, got {epochs!r}")
    elif (trainer.get("min_epochs") or 0) > epochs:
        problems.append(f"trainer.min_epochs: {trainer['min_epochs']} is more than max_epochs={epochs}")
    return problems


def least_problems(config: Config) -> list[str]:
    """Least epochs or steps, where nothing would stop training before."""
    trainer, stopping = config["trainer"], (config.get("callbacks") or {}).get("early_stopping") or {}
    if trainer.get("max_time") is not None:
        return []
    if not stopping:
        return [
            f"trainer.{key}: has no effect, since nothing stops training early"
            for key in ("min_epochs", "min_steps")
            if trainer.get(key) is not None
        ]
    patience, least = stopping.get("patience"), trainer.get("min_epochs")
    sooner = {"stopping_threshold", "divergence_threshold"} & set(stopping)
    if isinstance(patience, int) and isinstance(least, int) and least <= patience + 1 and not sooner:
        waits = f"early stopping with patience={patience} waits for {patience + 1} epochs"
        return [f"trainer.min_epochs: {least} has no effect, since {waits}"]
    return []
