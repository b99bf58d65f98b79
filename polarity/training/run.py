"""A run, whole: what was composed is checked and assembled, fitted, and finished in the run's folder."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from lightning import Callback, Trainer
from torch import distributed

from polarity.config.preflight import prepare
from polarity.config.recorded import RunSettings
from polarity.config.trainer import build_callbacks
from polarity.config.trust import Trust
from polarity.content import Config
from polarity.processes import led_folder, rank
from polarity.progress import lines_to
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.runs.environment import by_its_data, where_it_began
from polarity.training import resuming
from polarity.training.assembled import Assembled, Stages, assemble
from polarity.training.callbacks.epochs import EpochDecisions
from polarity.training.callbacks.history import History
from polarity.training.callbacks.speed import Speed
from polarity.training.continued_pretraining import pretraining_of
from polarity.training.finish import finish
from polarity.training.fixed_vectors import FixedVectors
from polarity.training.harmless_warnings import hide_harmless_warnings
from polarity.training.linear_probe import LinearProbe
from polarity.training.manifest import Manifest
from polarity.training.micro_batches import MicroBatches
from polarity.training.narrowed_tables import NarrowedTables
from polarity.training.signals import StopOnSignal
from polarity.training.status import StatusRecorder, exit_code, record_failure
from polarity.training.summary import TrainingSummary
from polarity.training.trainer import build_trainer

Begun = Callable[[RunDirectory], None]


def start_run(
    config: Config, overrides: list[str], *, keep_going: bool, begun: Begun = lambda _: None, name: str | None = None
) -> float:
    """Train from the beginning. Returns the best monitored score.

    :param keep_going: a failed run returns NaN instead of ending the process, so that a sweep goes on.
    :param begun: called with the run's folder once there is one.
    :param name: of that folder; None to name it by time and configuration.
    :raises UserError: if data or encoder cannot be used; then there is no folder either, unless a sweep goes on.
    """
    try:
        assembled = assemble(prepare(config), Stages())
    except Exception as error:
        if not keep_going:
            raise
        record_failure(RunDirectory.create(RunSettings(config).output_dir, config, overrides), error)
        return float("nan")
    run = RunDirectory.create(RunSettings(config).output_dir, assembled.prepared.config, overrides, name=name)
    begun(run)
    return _run(assembled, run, point=None, keep_going=keep_going)


def resume_run(folder: str, *, trust: Trust = None) -> float:
    """Go on with a stopped run from its last resume point, or from its beginning if it had none; returns as above.

    :param trust: modules of others whose code the run's configuration may name.
    :raises UserError: if there is nothing to resume, or the data are not those that it was started with.
    """
    with resuming.claimed(folder) as run:
        config = resuming.trusted_config(run, trust=trust)
        point = resuming.point_to_resume_from(run)
        with by_its_data(run):
            prepared = prepare(config)
            resuming.refuse_changed_data(run, prepared)  # first: models that learn their words of it differ
            assembled = assemble(prepared, Stages(), point=point)
            resuming.refuse_changed_model(run, assembled.identity)
        if run.environment.exists() and not led_folder():
            for note in resuming.notes(run, point):
                RunConsole(run.log).print(note)
        if not Manifest(run).path.exists():  # it has waited, or failed before it had begun
            run.settle(assembled.prepared.config)
    with where_it_began(run):  # callbacks, and what trains the encoder further, have places of their own
        return _run(assembled, run, point=point, keep_going=False)


def _run(assembled: Assembled, run: RunDirectory, *, point: Path | None, keep_going: bool) -> float:
    """Fit and finish, recording in the folder how it ended."""
    recorder = StatusRecorder(run)
    try:
        with StopOnSignal() as stop, hide_harmless_warnings(), _lines_to_log(run):
            recorder.begin(assembled.prepared.splits, assembled.identity)
            trainer = _fit(assembled, run, point, recorder, stop)
            return finish(assembled, trainer, run) if trainer.is_global_zero else float("nan")
    except BaseException as error:  # noqa: BLE001 - also signals, and whatever else ends a process
        recorder.conclude(error)
        return float("nan") if keep_going and isinstance(error, Exception) else sys.exit(exit_code(error))
    finally:
        recorder.end()


def _lines_to_log(run: RunDirectory) -> AbstractContextManager[None]:
    """What takes minutes tells so in the run's log as well, from the first process on: nobody sees the others."""
    return nullcontext() if rank() else lines_to(RunConsole(run.log).print)


def _fit(
    assembled: Assembled, run: RunDirectory, point: Path | None, recorder: StatusRecorder, stop: StopOnSignal
) -> Trainer:
    config = assembled.prepared.config
    own = [EpochDecisions(), Speed(), TrainingSummary(assembled)]
    # averages of the weights, which may be among the callbacks, begin with what these learn
    probe = point is None and assembled.probes
    begun = pretraining_of(assembled) if point is None else []
    probing = [LinearProbe(assembled)] if probe else []
    before = [*begun, FixedVectors(assembled), *probing, NarrowedTables(assembled), MicroBatches(assembled)]
    callbacks: list[Callback] = [recorder, stop, *before, *build_callbacks(config).values(), *own]
    # a state that knows the tasks before it is trained may be better than all that training makes of it
    trainer = build_trainer(config, run, callbacks, validate_first=probe or assembled.branched)
    recorder.watch(trainer)
    with assembled.stages.time("training", shown=False):
        trainer.fit(assembled.module, datamodule=assembled.data, ckpt_path=point, weights_only=True)
        _leave_together()
    histories = [callback for callback in callbacks if isinstance(callback, History)]
    assembled.stages.seconds["training"] += sum(history.seconds_before for history in histories)
    return trainer


def _leave_together() -> None:
    """No process ends while another one may still read from it: gloo would find the connection reset."""
    if distributed.is_available() and distributed.is_initialized() and distributed.get_backend() == "gloo":
        distributed.monitored_barrier()
