"""One run from a checked configuration to a finished folder."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning.pytorch.callbacks import Callback

from polarity.config.preflight import build_callbacks, prepare
from polarity.config.trust import Trust
from polarity.processes import RUN_VARIABLE, led_folder
from polarity.progress import lines_to
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.runs.environment import record_start, where_it_began
from polarity.training.announce import Announce
from polarity.training.assembled import Assembled, Stages, assemble
from polarity.training.callbacks.epochs import EpochDecisions
from polarity.training.finish import finish
from polarity.training.harmless_warnings import hide_harmless_warnings
from polarity.training.manifest import Manifest
from polarity.training.resuming import (
    point_to_resume_from,
    refuse_changed_data,
    refuse_changed_settings,
    resumable,
    trusted_config,
)
from polarity.training.signals import StopOnSignal
from polarity.training.status import StatusRecorder, exit_code
from polarity.training.trainer import build_trainer

LOCK_PATIENCE = 6.0
"""Seconds to wait for a folder: a killed process's data loader workers keep its lock until they notice, within five."""

__all__ = ["resumable", "resume_run", "start_run", "trusted_config"]


def start_run(
    config: dict[str, Any],
    overrides: list[str],
    *,
    keep_going: bool,
    begun: Callable[[RunDirectory], None] = lambda _: None,
) -> float:
    """Train from the beginning. Returns the best monitored score.

    :param keep_going: a failed run returns NaN instead of ending the process, so that a sweep goes on.
    :param begun: called with the run's folder once there is one.
    :raises UserError: if data or encoder cannot be used; then there is no folder either, unless a sweep goes on.
    """
    try:
        assembled = assemble(prepare(config), Stages())
    except Exception as error:
        if not keep_going:
            raise
        run = RunDirectory.create(config["output_dir"], config, overrides)
        StatusRecorder(run).conclude(error)
        run.lock.release()
        return float("nan")
    folder = led_folder()
    run = RunDirectory(folder) if folder else RunDirectory.create(config["output_dir"], config, overrides)
    begun(run)
    return _execute(assembled, run, point=None, keep_going=keep_going)


def resume_run(folder: str, *, trust: Trust = None) -> float:
    """Go on with a stopped run from its last resume point, or from its beginning if it had none.

    Returns the best monitored score.

    :param trust: modules of others whose code the run's configuration may name.
    :raises UserError: if there is nothing to resume, or the data are not those that it was started with.
    """
    run = resumable(folder)
    if not led_folder():
        run.lock.take(LOCK_PATIENCE)
        resumable(folder)  # whoever held it may have finished in the meantime
    try:
        refuse_changed_settings(run)
        point = point_to_resume_from(run)
        with where_it_began(run):
            assembled = assemble(prepare(trusted_config(run, trust=trust)), Stages(), begins=point is None)
        refuse_changed_data(run, assembled.prepared.splits)
    except BaseException:
        run.lock.release()
        raise
    return _execute(assembled, run, point=point, keep_going=False)


def _execute(assembled: Assembled, run: RunDirectory, *, point: Path | None, keep_going: bool) -> float:
    """Fit and finish, recording in the folder how it ended."""
    recorder = StatusRecorder(run)
    try:
        with StopOnSignal() as stop, hide_harmless_warnings():
            if not led_folder():
                recorder.begin()
                Manifest(run).begin()
                record_start(run, assembled.prepared.splits)
                os.environ[RUN_VARIABLE] = str(run.path.absolute())
            return _fit_and_finish(assembled, run, point, [recorder, stop])
    except BaseException as error:  # noqa: BLE001 - also signals, and whatever else ends a process
        recorder.conclude(error)
        if keep_going and isinstance(error, Exception):
            return float("nan")
        sys.exit(exit_code(error))
    finally:
        os.environ.pop(RUN_VARIABLE, None)
        run.lock.release()


def _fit_and_finish(assembled: Assembled, run: RunDirectory, point: Path | None, watching: list[Callback]) -> float:
    prepared = assembled.prepared
    callbacks = [
        *watching,
        *build_callbacks(prepared.config).values(),
        EpochDecisions(),
        Announce(prepared, assembled.data, assembled.tokenizer),
    ]
    trainer = build_trainer(prepared.config, run, callbacks)
    with assembled.stages.time("training", shown=False):
        trainer.fit(assembled.module, datamodule=assembled.data, ckpt_path=point, weights_only=True)
    if not trainer.is_global_zero:
        return float("nan")
    run.set_status("running", stage="finishing")
    with lines_to(RunConsole(run.log).print):
        return finish(assembled, trainer, run)
