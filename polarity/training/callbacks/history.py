"""Per-class F1 of every epoch, on the console and in ``history.csv``."""

import time
from math import isfinite
from operator import itemgetter
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from polarity.content import Json, State
from polarity.data.module import TextDataModule
from polarity.evaluation.metrics import TaskScore
from polarity.files import write_text
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.spreadsheets import csv_line
from polarity.training.module import MultiTaskModule
from polarity.wording import times


class History(Callback):
    """Writes one row an epoch to ``history.csv`` and a few lines to the console.

    A row holds every score and class, the losses (see :meth:`~polarity.training.epoch.EpochSums.means`), the largest
    learning rate, the mean norm of the gradient before clipping, rows a second while training, and the seconds of the
    whole epoch. ``epoch_share`` is below 1 where training ended within the epoch. A row of epoch -1 ("epoch 0" on the
    console, where epochs count from 1) is that of the state before training, if it was validated.

    :param monitor: the score that marks the best epoch.
    :param mode: ``max`` or ``min``.

    ``seconds_before`` are those of the processes that the run was trained in before this one.
    """

    def __init__(self, *, monitor: str, mode: str) -> None:
        self.monitor = monitor
        self.mode = mode
        self.rows: list[Json] = []
        self.seconds_before = 0.0
        self._clock = Clock()

    @property
    def state_key(self) -> str:
        """One history a run."""
        return "History"

    def state_dict(self) -> State:
        """The epochs so far, so that a resumed run's history is whole."""
        return {"rows": self.rows, "clock": self._clock.state()}

    def load_state_dict(self, state_dict: State) -> None:
        """Go on after the epochs of the resume point."""
        self.rows = list(state_dict["rows"])
        self._clock = Clock(state_dict["clock"]["seconds"], state_dict["clock"]["training"])
        self.seconds_before = sum(row["seconds"] for row in self.rows) + state_dict["clock"]["seconds"]

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the epoch's clock."""
        self._clock = Clock()

    def on_sanity_check_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """As above, for the validation before training."""
        self._clock = Clock()

    def on_sanity_check_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the state before training; Lightning logs nothing of it."""
        assert isinstance(pl_module, MultiTaskModule)
        if not trainer.is_global_zero:
            return
        for logger in trainer.loggers:
            logger.log_metrics(pl_module.validation, step=0)
        row: Json = {"epoch": -1, "step": 0, "epoch_share": 0.0, **pl_module.validation}
        self._record(trainer, pl_module, row | {"seconds": self._clock.measured(0)["seconds"]})

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Note the time: what comes after the last batch is not training."""
        self._clock.trained()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the epoch."""
        assert isinstance(pl_module, MultiTaskModule)
        losses = pl_module.training_losses()  # on every rank: it reduces over ranks
        data: TextDataModule = trainer.datamodule  # type: ignore[attr-defined]
        assert data.train_batches is not None
        batches = trainer.fit_loop.epoch_loop.batch_progress.current.completed
        times = self._clock.measured(data.train_batches.rows_until(trainer.current_epoch, batches))
        self._clock = Clock()
        pl_module.log_dict(times, rank_zero_only=True)
        if not trainer.is_global_zero or pl_module.scores is None:
            return
        row: Json = {"epoch": trainer.current_epoch, "step": trainer.global_step}
        row["epoch_share"] = round(batches / trainer.num_training_batches, 4)
        row |= losses | pl_module.validation
        row["train/lr"] = max(group["lr"] for group in trainer.optimizers[0].param_groups)
        self._record(trainer, pl_module, row | times)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tell why training ends before its last epoch, if a score has ended it."""
        for stopping in trainer.early_stopping_callbacks:
            if not trainer.is_global_zero or stopping.stopping_reason_message is None:
                continue
            why = stopping.stopping_reason_message
            if stopping.wait_count >= stopping.patience:
                why = f"{stopping.monitor} was not better in {times(stopping.wait_count, 'epoch')}"
            RunConsole(RunDirectory(trainer.default_root_dir).log).print(f"early stopping: {why}")

    def _record(self, trainer: Trainer, module: MultiTaskModule, row: Json) -> None:
        self.rows.append(row)
        write_text(RunDirectory(trainer.default_root_dir).history, to_csv(self.rows))
        better = max if self.mode == "max" else min
        known = [item for item in self.rows if isfinite(item[self.monitor])] or self.rows  # NaN has no order
        best = better(known, key=itemgetter(self.monitor))
        mark = "best so far" if best is row else f"best: epoch {best['epoch'] + 1}, {best[self.monitor]:.4f}"
        part = "" if row["epoch_share"] == 1 else f" ({row['epoch_share']:.0%} of it)"
        which, losses, speed = "epoch 0, before training", f"{row['val/loss']:.4f} val", ""
        if row["epoch"] >= 0:
            which = f"epoch {row['epoch'] + 1} of {trainer.max_epochs}{part}"
            losses = f"{row['train/loss']:.4f} train, {losses}  objective {row['train/objective']:.4f}"
            speed = f", {row['rows_per_second']:.0f} rows/s"
        console = RunConsole(RunDirectory(trainer.default_root_dir).log)
        console.print(
            f"{which}  step {row['step']}  {self.monitor} {row[self.monitor]:.4f} ({mark})\n"
            f"    loss {losses}  {row['seconds']:.0f} s{speed}"
        )
        assert module.scores is not None
        for task in module.tasks:
            console.print(task_line(task.name, module.scores.tasks[task.name]))


class Clock:
    """Time of one epoch, over all the processes that worked on it.

    :param seconds: that earlier processes spent.
    :param training: seconds that they trained.
    """

    def __init__(self, seconds: float = 0.0, training: float = 0.0) -> None:
        self.training = training
        self._started = time.monotonic() - seconds
        self._resumed = time.monotonic() - training

    def trained(self) -> None:
        """Note the end of a batch; what comes after the last one is not training."""
        self.training = time.monotonic() - self._resumed

    def state(self) -> Json:
        """What another process needs to go on."""
        return {"seconds": time.monotonic() - self._started, "training": self.training}

    def measured(self, rows: int) -> dict[str, float]:
        """Seconds of the whole epoch, and rows a second of its training.

        :param rows: that were trained on, over all devices.
        """
        seconds = round(time.monotonic() - self._started, 2)
        return {"seconds": seconds, "rows_per_second": round(rows / max(self.training, 1e-9), 1)}


def task_line(name: str, scored: TaskScore) -> str:
    """Macro-F1 and the F1 of each class."""
    if scored.macro_f1 is None:
        return f"    {name:<16} no labels"
    per_class = "  ".join(f"{label} {value.f1:.3f}" for label, value in scored.per_class.items())
    return f"    {name:<16} macro-F1 {scored.macro_f1:.4f}   {per_class}"


def to_csv(rows: list[Json]) -> str:
    """Rows as CSV text, the columns of the first row first."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return "".join(csv_line(cells) for cells in (names, *([row.get(name, "") for name in names] for row in rows)))
