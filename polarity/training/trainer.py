"""The Trainer of a run."""

import re
from collections.abc import Sequence

from lightning import Trainer
from lightning.pytorch.callbacks import Callback, ProgressBar
from lightning.pytorch.profilers import PassThroughProfiler

from polarity.config import trainer as configured
from polarity.content import Config
from polarity.files import write_text
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.training.callbacks.progress import ProgressInLines, ProgressOnTerminal
from polarity.training.checkpoint_io import WholeCheckpoints

LONGEST = 40
PLACES = ("output_dir=", "cache_dir=", "data.path=", "data.tasks", "hydra", "trainer.enable_progress_bar=")


def build_trainer(
    config: Config, run: RunDirectory, callbacks: list[Callback], *, validate_first: bool = False
) -> Trainer:
    """The Trainer of a run, with its loggers and what shows its progress: a bar on a terminal, else lines.

    :param validate_first: whether the state before the first step is validated, as "epoch 0".
    """
    bar = configured.shows_bar(config)
    if not bar:
        callbacks = [*callbacks, ProgressInLines()]
    elif not any(isinstance(callback, ProgressBar) for callback in callbacks):
        callbacks = [*callbacks, ProgressOnTerminal()]
    trainer = configured.lightning_trainer(
        config, run.path, callbacks, lambda: overrides_name(run.overrides), validate_first=validate_first
    )
    trainer.strategy.checkpoint_io = WholeCheckpoints()
    return trainer


def overrides_name(overrides: Sequence[str]) -> str | None:
    """What the command line chose, as the name of a folder: ``loss=ce,optimizer.lr=0.001``; None if it chose nothing.

    Where data and results stand tells no runs apart, and neither does what is too long for a list. Of too many, the
    last ones are taken.
    """
    texts = [text.lstrip("+~") for text in overrides]
    short = [text for text in texts if len(text) <= LONGEST and not text.startswith(PLACES)]
    while len(",".join(short)) > 4 * LONGEST:
        short.pop(0)
    return re.sub(r"""[\s/\\:*?"'<>|{}()\[\]$]+""", "_", ",".join(short)) or None


def print_profile(trainer: Trainer, run: RunDirectory) -> None:
    """Print what a profiler has measured, if there is one, and keep it in the run's folder."""
    profiler = getattr(trainer, "profiler", None)
    if profiler is None or isinstance(profiler, PassThroughProfiler):
        return
    summary = profiler.summary()
    write_text(run.path / "profile.txt", summary)
    RunConsole(run.log).print(f"{summary}\nprofile: {run.path / 'profile.txt'}")
