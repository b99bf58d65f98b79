"""One run from a checked configuration to a finished folder."""

import os
import sys
from typing import Any

import lightning
from lightning import Trainer
from lightning.pytorch.callbacks import Callback, ProgressBar
from lightning.pytorch.profilers import PassThroughProfiler

from polarity.config.build import build, build_all
from polarity.config.compose import in_folder
from polarity.config.preflight import Prepared, build_callbacks, prepare
from polarity.config.trust import Trust, check_trusted
from polarity.data.module import TextDataModule
from polarity.data.tokens import TokenStore
from polarity.errors import UserError
from polarity.files import write_json, write_text
from polarity.models.classifier import MultiTaskClassifier
from polarity.models.probing import check_reading
from polarity.processes import RUN_VARIABLE, led_folder, this_process
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.training.announce import Announce
from polarity.training.assembled import Assembled, Stages
from polarity.training.callbacks.progress import ProgressInLines, ProgressOnTerminal
from polarity.training.environment import environment
from polarity.training.finish import finish
from polarity.training.module import MultiTaskModule
from polarity.training.outcome import Outcome, exit_code
from polarity.training.quiet import quiet
from polarity.training.signals import StopOnSignal


def start_run(config: dict[str, Any], overrides: list[str], *, keep_going: bool) -> float:
    """Train from the beginning. Returns the best monitored score.

    :param keep_going: a failed run returns NaN instead of ending the process, so that a sweep goes on.
    :raises UserError: if data or encoder cannot be used; then there is no folder either, unless a sweep goes on.
    """
    try:
        assembled = assemble(prepare(config), Stages())
    except Exception as error:
        if not keep_going:
            raise
        Outcome(RunDirectory.create(config["output_dir"], config, overrides)).conclude(error)
        return float("nan")
    folder = led_folder()
    run = RunDirectory(folder) if folder else RunDirectory.create(config["output_dir"], config, overrides)
    return _execute(assembled, run, ckpt_path=None, keep_going=keep_going)


def resume_run(folder: str, *, trust: Trust = None) -> float:
    """Go on with a stopped run from its last resume point. Returns the best monitored score.

    :param trust: modules of others whose code the run's configuration may name.
    :raises UserError: if there is nothing to resume.
    """
    run = resumable(folder)
    assembled = assemble(prepare(trusted_config(run, trust=trust)), Stages())
    return _execute(assembled, run, ckpt_path=str(run.resume_point), keep_going=False)


def trusted_config(run: RunDirectory, *, trust: Trust) -> dict[str, Any]:
    """The configuration of a run, all of which may be built.

    :raises UserError: if it names code that is neither the project's own nor trusted.
    """
    config = run.config
    check_trusted(config, str(run.path / "config.yaml"), trust=trust)
    return config


def resumable(folder: str) -> RunDirectory:
    """The folder of a stopped run that can go on.

    :raises UserError: if it is no run, has ended, still runs, or stopped before there was a point to resume from.
    """
    if led_folder():  # the first process has looked, and has marked the run as its own since
        return RunDirectory(str(led_folder()))
    run = RunDirectory.open(folder)
    if run.status["state"] == "finished":
        raise UserError(f"resume: {folder} is finished already; start a new run to train longer")
    if run.is_worked_on:
        raise UserError(f"resume: {folder} is still running, as process {run.status['pid']}; two would spoil its files")
    if not run.resume_point.exists():
        raise UserError(f"resume: {folder} has no {run.resume_point.name}; it stopped before its first resume point")
    return run


def assemble(prepared: Prepared, stages: Stages) -> Assembled:
    """Tokenise, load the encoder and put the module together; nothing is written but the token cache."""
    parts, tasks, splits = prepared.components, prepared.splits.tasks, prepared.splits
    stages.seconds["data"] = prepared.data_seconds
    lightning.seed_everything(prepared.root.seed, workers=True, verbose=False)
    batching, source = parts["batching"], parts["model"]
    cache = prepared.root.cache
    with stages.time("tokens"):
        tokenizer = source.tokenizer()
        stores = {name: TokenStore.open(rows, tokenizer, batching.max_length, cache) for name, rows in splits.items()}
    with stages.time("model"):
        model: MultiTaskClassifier = source.build(tasks, parts["head"])
        check_reading(model, stores["train"], tokenizer, source.pooling)
    parts["loss"].bind(tasks, splits.train.class_counts(tasks))
    parts["sampler"].fit(splits.train.labels, tasks, prepared.root.seed)
    module = MultiTaskModule(
        model=model,
        tasks=tasks,
        **{name: parts[name] for name in ("loss", "regularizer", "optimizer", "scheduler", "clipping")},
    )
    data = TextDataModule(
        splits=splits, stores=stores, sampler=parts["sampler"], seed=prepared.root.seed, **batching.loader_settings()
    )
    return Assembled(prepared, module, data, tokenizer, stages)


def _execute(assembled: Assembled, run: RunDirectory, *, ckpt_path: str | None, keep_going: bool) -> float:
    """Fit and finish, recording in the folder how it ended."""
    outcome = Outcome(run)
    if not led_folder():
        run.set_status("running", **this_process())
        os.environ[RUN_VARIABLE] = str(run.path.absolute())
    try:
        with StopOnSignal() as stop, quiet():
            return _fit_and_finish(assembled, run, ckpt_path, [outcome, stop])
    except BaseException as error:  # noqa: BLE001 - also signals, and whatever else ends a process
        outcome.conclude(error)
        if keep_going and isinstance(error, Exception):
            return float("nan")
        sys.exit(exit_code(error))
    finally:
        os.environ.pop(RUN_VARIABLE, None)


def _fit_and_finish(assembled: Assembled, run: RunDirectory, ckpt_path: str | None, watching: list[Callback]) -> float:
    prepared = assembled.prepared
    callbacks = [
        *watching,
        *build_callbacks(prepared.config).values(),
        Announce(prepared, assembled.data, assembled.tokenizer),
    ]
    trainer = build_trainer(prepared.config, run, callbacks)
    if trainer.is_global_zero:
        write_json(run.environment, environment(prepared.splits))
    with assembled.stages.time("training"):
        trainer.fit(assembled.module, datamodule=assembled.data, ckpt_path=ckpt_path, weights_only=True)
    if not trainer.is_global_zero:
        return float("nan")
    score = finish(assembled, trainer, run)
    tell_profile(trainer, run)
    return score


def tell_profile(trainer: Trainer, run: RunDirectory) -> None:
    """Print what a profiler has measured, if there is one, and keep it in the run's folder."""
    profiler = getattr(trainer, "profiler", None)
    if profiler is None or isinstance(profiler, PassThroughProfiler):
        return
    summary = profiler.summary()
    write_text(run.path / "profile.txt", summary)
    RunConsole(run.log).print(f"{summary}\nprofile: {run.path / 'profile.txt'}")


def build_trainer(config: dict[str, Any], run: RunDirectory, callbacks: list[Callback]) -> Trainer:
    """The Trainer of a run, with its loggers, writing into the run's folder."""
    config = in_folder(config, str(run.path))
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
