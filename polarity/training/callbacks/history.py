"""Per-class F1 of every epoch, on the console and in ``history.csv``."""

import csv
import io
import time
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from polarity.files import write_text
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.training.module import MultiTaskModule, loss_metrics, score_metrics


class History(Callback):
    """Writes one row an epoch to ``history.csv`` (every loss, score and class) and one block a line to the console.

    :param monitor: the score that marks the best epoch.
    :param mode: ``max`` or ``min``.
    """

    def __init__(self, *, monitor: str, mode: str) -> None:
        self.monitor = monitor
        self.mode = mode
        self.rows: list[dict[str, Any]] = []
        self._started = time.monotonic()

    @property
    def state_key(self) -> str:
        """One history a run."""
        return "History"

    def state_dict(self) -> dict[str, Any]:
        """The epochs so far, so that a resumed run's history is whole."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on after the epochs of the resume point."""
        self.rows = list(state_dict["rows"])

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the epoch's clock."""
        self._started = time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the epoch."""
        assert isinstance(pl_module, MultiTaskModule)
        losses = pl_module.training_losses()  # on every rank: it reduces over ranks
        if not trainer.is_global_zero or pl_module.scores is None:
            return
        labels = trainer.datamodule.splits.val.labels  # type: ignore[attr-defined]
        row: dict[str, Any] = {"epoch": trainer.current_epoch, "step": trainer.global_step}
        row |= losses | score_metrics(pl_module.scores) | loss_metrics(pl_module.tasks, labels, pl_module.logits)
        row["seconds"] = round(time.monotonic() - self._started, 2)
        self.rows.append(row)
        write_text(RunDirectory(trainer.default_root_dir).history, to_csv(self.rows))
        self._print(trainer, pl_module, row)

    def _print(self, trainer: Trainer, module: MultiTaskModule, row: dict[str, Any]) -> None:
        better = max if self.mode == "max" else min
        best = better(self.rows, key=lambda item: item[self.monitor])
        mark = "  best so far" if best is row else f"  (best: epoch {best['epoch']}, {best[self.monitor]:.4f})"
        console = RunConsole(RunDirectory(trainer.default_root_dir).log)
        console.print(
            f"epoch {row['epoch']:>2} ({row['epoch'] + 1} of {trainer.max_epochs})  step {row['step']}"
            f"  train loss {row['train/loss']:.4f}  val loss {row['val/loss']:.4f}"
            f"  {self.monitor} {row[self.monitor]:.4f}{mark}  [{row['seconds']:.0f} s]"
        )
        assert module.scores is not None
        for task in module.tasks:
            scored = module.scores.tasks[task.name]
            per_class = "  ".join(f"{name} {value.f1:.3f}" for name, value in scored.per_class.items())
            console.print(f"    {task.name:<16} macro-F1 {scored.macro_f1:.4f}   {per_class}")


def to_csv(rows: list[dict[str, Any]]) -> str:
    """Rows as CSV text, the columns of the first row first."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
