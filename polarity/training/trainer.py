"""The Trainer of a run."""

import re
import sys
from collections.abc import Sequence
from typing import Any

from lightning import Trainer
from lightning.pytorch.callbacks import Callback, ProgressBar
from lightning.pytorch.profilers import PassThroughProfiler

from polarity.config.build import build, build_all
from polarity.config.compose import in_folder
from polarity.config.schema import TARGET
from polarity.errors import UserError
from polarity.files import write_text
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.training.callbacks.progress import ProgressInLines, ProgressOnTerminal

TENSORBOARD = "lightning.pytorch.loggers.TensorBoardLogger"
LONGEST = 40
PLACES = ("output_dir=", "cache_dir=", "data.path=", "data.tasks", "hydra", "trainer.enable_progress_bar=")


def build_trainer(config: dict[str, Any], run: RunDirectory, callbacks: list[Callback]) -> Trainer:
    """The Trainer of a run, with its loggers, writing into the run's folder."""
    config = in_folder(config, str(run.path))
    for settings in filter(None, config["logger"].values()):
        if settings.get(TARGET) == TENSORBOARD:
            settings.setdefault("sub_dir", told_apart(run.overrides))  # the folder is what TensorBoard calls a run
    problems: list[str] = []
    loggers = build_all("logger", config["logger"], problems)
    if problems:
        raise UserError(problems)
    settings = dict(config["trainer"])
    if settings.get("enable_progress_bar") is None:  # a bar on a terminal, plain lines everywhere else
        settings["enable_progress_bar"] = sys.stdout.isatty()
    if settings["enable_progress_bar"] and not any(isinstance(callback, ProgressBar) for callback in callbacks):
        callbacks = [*callbacks, ProgressOnTerminal()]
    elif not settings["enable_progress_bar"]:
        callbacks = [*callbacks, ProgressInLines()]
    trainer: Trainer = build(
        "trainer",
        settings,
        callbacks=callbacks,
        logger=list(loggers.values()),
        default_root_dir=str(run.path),
        accumulate_grad_batches=config["batching"]["accumulate"],
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
    )
    return trainer


def told_apart(overrides: Sequence[str]) -> str | None:
    """What the command line chose, as the name of a folder: ``loss=ce,optimizer.lr=0.001``; None if it chose nothing.

    Where data and results stand tells no runs apart, and neither does what is too long for a list. Of too many, the
    last ones are taken.
    """
    texts = [text.lstrip("+~") for text in overrides]
    short = [text for text in texts if len(text) <= LONGEST and not text.startswith(PLACES)]
    while len(",".join(short)) > 4 * LONGEST:
        short.pop(0)
    return re.sub(r"""[\s/\\:*?"'<>|{}()\[\]$]+""", "_", ",".join(short)) or None


def tell_profile(trainer: Trainer, run: RunDirectory) -> None:
    """Print what a profiler has measured, if there is one, and keep it in the run's folder."""
    profiler = getattr(trainer, "profiler", None)
    if profiler is None or isinstance(profiler, PassThroughProfiler):
        return
    summary = profiler.summary()
    write_text(run.path / "profile.txt", summary)
    RunConsole(run.log).print(f"{summary}\nprofile: {run.path / 'profile.txt'}")
