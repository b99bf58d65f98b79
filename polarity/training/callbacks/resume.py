"""The point that a stopped run goes on from."""

import time
from contextlib import suppress
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, WeightAveraging
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.loops.progress import _BatchProgress, _ProcessedTracker
from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # type: ignore[import-untyped]

from polarity.content import State
from polarity.errors import UserError
from polarity.parts import unfinished
from polarity.run import RunDirectory
from polarity.settings import NonNegative
from polarity.signals import Interrupted
from polarity.training.devices import gathered
from polarity.training.manifest import Manifest
from polarity.training.random_state import random_state, restore_random_state
from polarity.training.signals import asked_to_stop

_VALIDATED = "epoch_loop.val_loop.batch_progress"
"""Key of what Lightning's loops tell about the batches of the current validation."""


class ResumePoint(Checkpoint):
    """Saves ``checkpoints/last.ckpt`` after every epoch and, within long epochs, every ``minutes``.

    A run that was killed at any moment goes on from its last resume point and ends with the same weights, bit for
    bit on one CPU, as one never killed: the states of all random generators, the position among the epoch's batches,
    optimizer, schedule and early stopping are in the file, and files are only written between optimizer steps.

    Nothing goes on from a finished run, so they are removed then: most of the disk that a run would take.

    :param minutes: the most work that can be lost; 0 saves after every optimizer step.
    :param keep: whether they stay in a finished run.
    """

    def __init__(self, *, minutes: NonNegative = 10.0, keep: bool = False) -> None:
        self.minutes = minutes
        self.keep = keep
        self._saved_at = time.monotonic()
        self._restored: list[State] | None = None
        self._within_validation = False
        self._asking = 0

    @property
    def state_key(self) -> str:
        """One state, whatever the settings: a resumed run may save more or less often."""
        return "ResumePoint"

    def state_dict(self) -> State:
        """Random states of each device's process, which all call this together whenever a checkpoint is saved.

        Before the first batch of a resumed run, they are those that are still to be put in place.
        """
        return {"ranks": gathered(random_state()) if self._restored is None else self._restored}

    def load_state_dict(self, state_dict: State) -> None:
        """Keep the states until the first batch: what happens before it may use random numbers."""
        self._restored = state_dict["ranks"]

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Put the random generators where they were."""
        if self._restored is None:
            return
        states, self._restored = self._restored, None
        if trainer.global_rank < len(states):
            restore_random_state(states[trainer.global_rank])

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: State) -> None:
        """Bind each checkpoint to its run, and note whether early stopping, or a limit of time, has ended training."""
        run = RunDirectory(trainer.default_root_dir)
        checkpoint["run"] = {"id": run.recorded.get("id"), "stopped_early": bool(trainer.should_stop)}
        if self._within_validation:
            checkpoint["loops"]["fit_loop"][_VALIDATED] = _none_of_it()

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: State) -> None:
        """A run whose training had ended goes on with what comes after it.

        :raises UserError: if the checkpoint is another run's.
        """
        run = RunDirectory(trainer.default_root_dir)
        if checkpoint["run"]["id"] != run.recorded.get("id"):
            raise UserError(f"{run.path}: the checkpoint to go on from was written by another run")
        trainer.should_stop = checkpoint["run"]["stopped_early"]
        _begin_charts_anew(trainer, int(checkpoint["global_step"]))

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save within an epoch, between optimizer steps, once enough time has passed or a signal asks to stop."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches or batch_idx + 1 == trainer.num_training_batches:
            return  # within a step; and the end of the epoch saves after validation
        if _ends_here(trainer):
            return  # as does the end of training, which a resumed run would have behind it, without that validation
        due = time.monotonic() - self._saved_at >= 60 * self.minutes
        due, signal = trainer.strategy.broadcast((due, asked_to_stop(trainer)))
        if due or signal:
            self._save(trainer)
        if signal:
            trainer._logger_connector.update_train_step_metrics()  # noqa: SLF001 - Lightning logs the step after this
            raise Interrupted(signal)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count the batches after which all devices can ask together whether to stop."""
        trainer.fit_loop.epoch_loop.val_loop.batch_progress.total.reset()  # a resumed one would look begun for ever
        whole = trainer.fit_loop.epoch_loop.batch_progress.current.completed == trainer.num_training_batches
        # Lightning begins the validation of a whole epoch again, and of none that training ended in.
        self._asking = min(gathered(sum(trainer.num_val_batches))) if whole and not _ends_here(trainer) else 0

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        """Stop within a validation, which may be long; the resumed run does it from its beginning."""
        if batch_idx >= self._asking:
            return
        if signal := trainer.strategy.broadcast(asked_to_stop(trainer)):
            self._within_validation = True
            for average in trainer.callbacks:  # type: ignore[attr-defined]
                if isinstance(average, WeightAveraging):  # it has put the mean in the place of the weights
                    average.on_validation_epoch_end(trainer, pl_module)
            self._save(trainer)
            raise Interrupted(signal)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save after the epoch's validation, when checkpoints and early stopping have taken note of it."""
        self._save(trainer)
        if signal := trainer.strategy.broadcast(asked_to_stop(trainer)):
            raise Interrupted(signal)

    def conclude(self, run: RunDirectory) -> None:
        """Remove them from a run that is finished."""
        if not self.keep:
            for path in (run.resume_point, run.previous_point):
                with suppress(OSError):  # what cannot be removed takes room, and no more
                    path.unlink()

    def _save(self, trainer: Trainer) -> None:
        run = RunDirectory(trainer.default_root_dir)
        with unfinished(run.resume_point) as part:  # each process has a name of its own; the first one writes
            trainer.save_checkpoint(part)
            if trainer.is_global_zero:
                Manifest(run).add_resume_point(part)
                if run.resume_point.exists():
                    run.resume_point.replace(run.previous_point)
                part.replace(run.resume_point)
        self._saved_at = time.monotonic()


def _none_of_it() -> State:
    """The progress of a validation that has begun, and done nothing yet."""
    return _BatchProgress(total=_ProcessedTracker(ready=1, started=1)).state_dict()


def _begin_charts_anew(trainer: Trainer, step: int) -> None:
    """Tell TensorBoard that what it has been told of this step and later ones comes again (its ``purge_step``)."""
    if not trainer.is_global_zero:
        return
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            event = Event(step=step, session_log=SessionLog(status=SessionLog.START))
            logger.experiment._get_file_writer().add_event(event)  # noqa: SLF001 - as SummaryWriter(purge_step=STEP)


def _ends_here(trainer: Trainer) -> bool:
    """Whether training ends with the step that was just made, or the validation after it."""
    stops = trainer.should_stop and trainer.fit_loop._can_stop_early  # noqa: SLF001 - not before min_epochs and min_steps
    return stops or 0 < trainer.max_steps <= trainer.global_step
