"""All folds of a cross-validation, one after the other, each as a run in the folder of the whole."""

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from polarity.config.folds import folds_of, of_fold
from polarity.config.preflight import Prepared, prepare
from polarity.config.recorded import RunSettings
from polarity.config.trust import Trust
from polarity.content import Config
from polarity.crossvalidation.finish import finish
from polarity.data.folds import FoldedRows
from polarity.errors import UserError
from polarity.reports.console import RunConsole, log_only
from polarity.reports.folds import fold_line, folds_intro
from polarity.run import RunDirectory
from polarity.runs.environment import by_its_data, where_it_began
from polarity.runs.saved import finished_model
from polarity.signals import Interrupted, handled, interrupt
from polarity.training import resuming
from polarity.training.run import resume_run, start_run
from polarity.training.seen_rows import check_seen_rows
from polarity.training.status import StatusRecorder, exit_code
from polarity.training.teacher import SETTING, named

Begun = Callable[[RunDirectory], None]

PARTS = ("status.json", "config.yaml", "overrides.yaml")
"""What every run's folder begins with; a process that was killed before has left less."""


def start(config: Config, overrides: list[str], *, keep_going: bool, begun: Begun = lambda _: None) -> float:
    """Train what a configuration asks for: one run, or all folds of a cross-validation.

    Parameters and errors are those of :func:`polarity.training.run.start_run`. Returns the best monitored score, or
    the overall score of all held-out rows.
    """
    if not RunSettings(config).folds:
        return start_run(config, overrides, keep_going=keep_going, begun=begun)
    prepared = prepare(config)
    _check_teacher(prepared)
    run = RunDirectory.create(prepared.root.output_dir, prepared.config, overrides)
    begun(run)
    return _train(run, prepared, trust=None)


def _check_teacher(prepared: Prepared) -> None:
    """Refuse one that knows the rows, before anything is written: a fold's own run would, too, for each holds out some.

    :raises UserError: if it is no finished run, or has learnt from these rows.
    """
    teacher, folds = prepared.components.regularizer.teacher, folds_of(prepared.config)
    if teacher is None or folds is None:
        return
    first = FoldedRows(prepared.components.data, prepared.splits, folds).of(1)
    try:
        check_seen_rows(finished_model(teacher), replace(prepared, splits=first), SETTING, both_ways=True)
    except UserError as error:
        advice = "folds: each row is held out of one fold, so a teacher has to come from other rows; leave folds out"
        raise UserError([*named(error), advice]) from error


def resume(folder: str, *, trust: Trust = None) -> float:
    """Go on with a stopped run, or with the first fold of a cross-validation that is not finished; returns as above.

    Parameters and errors are those of :func:`polarity.training.run.resume_run`.
    """
    if not resuming.resumable(folder).settings.folds:
        return resume_run(folder, trust=trust)
    with resuming.claimed(folder) as run:
        config = resuming.trusted_config(run, trust=trust)
        with by_its_data(run):
            prepared = prepare(config)
        resuming.refuse_changed_data(run, prepared)
    return _train(run, prepared, trust=trust)


def _train(run: RunDirectory, prepared: Prepared, *, trust: Trust) -> float:
    """Train the folds that are not finished, and put all of them together."""
    recorder, folds = StatusRecorder(run), folds_of(prepared.config)
    assert folds is not None
    try:
        recorder.begin(prepared.splits, {})
        with handled(interrupt), where_it_began(run):
            rows = FoldedRows(prepared.components.data, prepared.splits, folds)
            for line in folds_intro(rows, run):
                RunConsole(run.log).print(line)
            for fold in range(1, folds.count + 1):
                started = time.monotonic()
                known = _train_fold(run, prepared.config, fold, trust=trust)
                seconds = None if known else time.monotonic() - started
                resuming.refuse_other_encoder(RunDirectory(run.fold(fold)), RunDirectory(run.fold(1)))
                RunConsole(run.log).print(fold_line(RunDirectory(run.fold(fold)), fold, folds, seconds))
            return finish(run, prepared, rows)
    except BaseException as error:  # noqa: BLE001 - also signals, and whatever else ends a process
        if isinstance(error, Interrupted) or not isinstance(error, SystemExit):
            recorder.conclude(error)
            sys.exit(exit_code(error))
        _record_end_of_fold(recorder, folds.count, error)  # a fold's run has said what there is to say
        sys.exit(error.code)
    finally:
        recorder.end()


def _record_end_of_fold(recorder: StatusRecorder, count: int, error: SystemExit) -> None:
    """The fold that has ended the process did so by an error, or a signal has stopped it: so it is with the whole."""
    run = recorder.run
    begun = [RunDirectory(run.fold(number)) for number in range(count, 0, -1) if run.fold(number).is_dir()]
    status = begun[0].recorded if begun and begun[0].exists else {}
    if "error" not in status:
        recorder.record(error)
        return
    why = f"{begun[0].path.name}: {status['error']}"
    recorder.record(KeyboardInterrupt(why) if status.get("interrupted") else RuntimeError(why))


def _train_fold(run: RunDirectory, config: Config, fold: int, *, trust: Trust) -> bool:
    """Train a fold, or go on with it; returns whether it was finished before."""
    path = run.fold(fold)
    if all((path / name).is_file() for name in PARTS):
        if RunDirectory(path).status["state"] == "finished":
            return True
        with log_only():
            resume_run(str(path), trust=trust)
        return False
    _clear(path)
    own, changed = of_fold(config, fold, str(run.path))
    replaced = ("seed=", "fold=", "output_dir=")
    overrides = [text for text in run.overrides if not text.lstrip("+").startswith(replaced)]
    with log_only():
        start_run(own, [*overrides, *changed], keep_going=False, name=path.name)
    return False


def _clear(path: Path) -> None:
    """Remove what a process that was killed in its first moments has left."""
    if path.is_dir():
        shutil.rmtree(path)
