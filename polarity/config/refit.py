"""What of a run's configuration can be done again without validation rows."""

from polarity.config.recorded import RunSettings
from polarity.config.sharding import is_sharded
from polarity.content import Config
from polarity.signature import TARGET

WATCHING = ("checkpoints", "resume", "history", "confusion", "exposure", "finite", "gradient_cosine")
NEUTRAL = (
    *(f"polarity.training.callbacks.{name}." for name in WATCHING),
    "lightning.pytorch.callbacks.EarlyStopping",
    "lightning.pytorch.callbacks.LearningRateMonitor",
)
"""Callbacks that only look on, or that end a training whose end is known now."""
ENDS = ("max_steps", "max_time", "min_epochs", "min_steps", "limit_train_batches", "val_check_interval")
"""Settings of the Trainer by which an epoch is not what it was with other rows."""


def refit_problems(config: Config) -> list[str]:
    """Why a run cannot be trained again on more rows, as long as its validation had chosen; none if it can."""
    problems = [
        f"callbacks.{name}: may change what is trained, and would not do so again; a refit has none"
        for name, node in config["callbacks"].items()
        if node is not None and not str(node.get(TARGET)).startswith(NEUTRAL)
    ]
    if "teacher" in config["regularizer"]:
        problems.append("regularizer: the teacher has been chosen by the validation rows that would be learnt from it")
    if "monitor" in config["scheduler"]:
        problems.append("scheduler: follows a validation score, and a refit has none")
    problems += [f"trainer.{name}: epochs would not be what they were" for name in ENDS if name in config["trainer"]]
    if not RunSettings(config).on_one_device or is_sharded(config):
        problems.append("trainer: a refit is trained on one device")
    return problems


def without_validation(config: Config, *, nothing: bool) -> Config:
    """The configuration for a Trainer that validates and keeps nothing.

    :param nothing: whether it trains nothing either, where the state before training was the best.
    """
    trainer = {**config["trainer"], "limit_val_batches": 0, "enable_checkpointing": False}
    return {**config, "logger": {}, "trainer": trainer | ({"limit_train_batches": 0} if nothing else {})}
