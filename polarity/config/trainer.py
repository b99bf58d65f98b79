"""The Trainer, its callbacks and its loggers: whether their settings will do, and the objects."""

import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from lightning import Trainer
from lightning.pytorch.callbacks import Callback

from polarity.component import Context
from polarity.config.build import build, build_all
from polarity.config.chatty import quiet_lightning
from polarity.config.compose import in_folder
from polarity.config.precision import AUTO, precision_of
from polarity.content import Config
from polarity.errors import UserError
from polarity.processes import outside_size
from polarity.signature import TARGET

SubDir = Callable[[], str | None]
TENSORBOARD = "lightning.pytorch.loggers.TensorBoardLogger"


def check_trainer(trainer: Config, *, multirun: bool, elsewhere: bool = False) -> tuple[list[str], Context]:
    """What is wrong with the section of the Trainer on this machine, and what components may know of it.

    :param multirun: whether the run is one of several in the same process.
    :param elsewhere: whether it trains on another machine, of which nothing is known here.
    """
    problems, precision = list[str](), trainer.get("precision")
    context = Context(epochs=trainer["max_epochs"])
    try:
        with quiet_lightning(), warnings.catch_warnings():  # advice about devices is not for a Trainer that never runs
            warnings.simplefilter("ignore")
            built: Trainer = build(
                "trainer",
                {
                    **trainer,
                    **({"accelerator": "cpu"} if elsewhere else {}),
                    "precision": "32-true" if precision == AUTO or elsewhere else precision,
                },
                logger=False,
                enable_checkpointing=False,
                enable_model_summary=False,
            )
    except UserError as error:
        return [_named(problem.removeprefix("trainer: "), trainer) for problem in error.problems], context
    if elsewhere:
        return problems, Context(epochs=context.epochs, devices=built.world_size)
    problems += _outside_problems(built)
    if precision == AUTO:
        precision, _ = precision_of(built.strategy.root_device)
    if precision == "16-mixed" and built.strategy.root_device.type == "cpu":
        problems.append("trainer.precision: 16-mixed needs a GPU; use bf16-mixed, or 32-true")
        precision = None
    if multirun and built.world_size > 1:
        problems.append(
            f"trainer.devices: {built.world_size} processes inside a multirun would each run the whole sweep; "
            "give each job a process of its own (hydra/launcher=local), or one device (trainer=default)"
        )
    return problems, Context(epochs=context.epochs, precision=precision, devices=built.world_size)


def _named(problem: str, trainer: Config) -> str:
    """What Lightning says against a Trainer, with the first setting that it speaks of, by its name or its value."""
    known = {key: key for key in trainer} | {value: key for key, value in trainer.items() if isinstance(value, str)}
    setting = next((f".{known[word]}" for word in re.findall(r"\w+", problem) if word in known), "")
    return f"trainer{setting}: the Trainer cannot be built: {problem}"


def _outside_problems(trainer: Trainer) -> list[str]:
    """What is wrong with the number of processes that an outside launcher has started, or that one should start."""
    wanted, started = trainer.num_devices * trainer.num_nodes, outside_size()
    what = f"trainer.devices, trainer.num_nodes: {trainer.num_devices} x {trainer.num_nodes}"
    if trainer.num_nodes > 1 and started == 1:
        torchrun = f"torchrun --nnodes={trainer.num_nodes} --nproc-per-node={trainer.num_devices} ..."
        return [f"{what}: several machines need {torchrun} -m polarity.train ..., or srun, on each of them"]
    return [f"{what} is not the number of processes that were started, {started}"] if started not in (1, wanted) else []


def build_callbacks(config: Config) -> dict[str, Callback]:
    """The callbacks of a checked configuration, by name."""
    problems: list[str] = []
    built: dict[str, Callback] = build_all("callbacks", config["callbacks"], problems)
    if problems:
        raise UserError(problems)
    return built


def shows_bar(config: Config) -> bool:
    """Whether progress is a bar: on a terminal, unless the settings say otherwise."""
    wanted = config["trainer"].get("enable_progress_bar")
    return sys.stdout.isatty() if wanted is None else bool(wanted)


def lightning_trainer(
    config: Config, folder: Path, callbacks: list[Callback], sub_dir: SubDir, *, validate_first: bool = False
) -> Trainer:
    """The Trainer of a checked configuration, with its loggers, writing into the run's folder.

    :param sub_dir: gives the folder of TensorBoard's own in it, by which TensorBoard calls the run.
    :param validate_first: whether to validate all rows before the first step; random numbers stay where they are.
    """
    config = in_folder(config, str(folder))
    for settings in filter(None, config["logger"].values()):
        if settings.get(TARGET) == TENSORBOARD:
            settings.setdefault("sub_dir", sub_dir())
    problems: list[str] = []
    loggers = build_all("logger", config["logger"], problems)
    if problems:
        raise UserError(problems)
    trainer: Trainer = build(
        "trainer",
        {**config["trainer"], "enable_progress_bar": shows_bar(config)},
        callbacks=callbacks,
        logger=list(loggers.values()),
        default_root_dir=str(folder),
        accumulate_grad_batches=config["batching"]["accumulate"],
        use_distributed_sampler=False,
        num_sanity_val_steps=-1 if validate_first else 0,
    )
    return trainer
