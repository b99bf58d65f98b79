"""One screen before the first step: what this run is about to do."""

from collections.abc import Sequence
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from rich.table import Table

from polarity.component import Context
from polarity.config.averages import refuse_idle_averages, stale_averages
from polarity.config.precision import precision_of
from polarity.config.preflight import Prepared
from polarity.data.folds import too_few_rows
from polarity.data.module import TextDataModule
from polarity.models.huggingface.seen_tokens import SeenTokens
from polarity.optimizers.groups import GroupRow, group_table
from polarity.reports.console import RunConsole
from polarity.run import RunDirectory
from polarity.secrets import masked_text
from polarity.training.assembled import Assembled
from polarity.training.few_steps import few_steps
from polarity.training.module import MultiTaskModule
from polarity.wording import percent, times

SHOWN = ("model", "pretraining", "head", "loss", "regularizer", "sampler", "optimizer", "scheduler", "clipping")
"""Components whose settings are printed."""


class TrainingSummary(Callback):
    """Prints data, class counts and weights, expected exposure, parameter groups and planned steps, once."""

    def __init__(self, assembled: Assembled) -> None:
        self.prepared, self.data, self.reader = assembled.prepared, assembled.data, assembled.reader

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Everything is known now: devices, steps, groups.

        :raises HopelessError: if there are too few steps for a setting.
        """
        steps = int(trainer.estimated_stepping_batches)
        refuse_idle_averages(self.prepared.config, steps, trainer.max_epochs or 0)
        if not trainer.is_global_zero:
            return
        assert isinstance(pl_module, MultiTaskModule)
        run = RunDirectory(trainer.default_root_dir)
        console = RunConsole(run.log)
        self._print_notes(console)
        in_epoch = -(-int(trainer.num_training_batches) // trainer.accumulate_grad_batches)
        for line in few_steps(steps, in_epoch) if self._learns_from_scratch(trainer) else []:
            console.print(f"note: {line}")
        for warning in [*stale_averages(self.prepared.config, steps), *self._unreached(steps, in_epoch)]:
            console.print(f"warning: {warning}", style="yellow")
        self._print_rows(console)
        console.print(class_balance_table(self.prepared, self.data, pl_module))
        for name in SHOWN:
            console.print(f"{name}: {masked_text(repr(getattr(self.prepared.components, name)))}")
        console.print(parameter_table(trainer.optimizers))
        for table in pl_module.model.modules():
            if isinstance(table, SeenTokens):
                console.print(f"embeddings: {table.sentence}")
        step = f"{self.data.batch_size} x {self.data.accumulate} rows"
        console.print(
            f"at most {times(trainer.max_epochs or 0, 'epoch')}, "
            f"{times(steps, 'step')} of {step}, "
            f"{trainer.world_size} x {trainer.strategy.root_device.type}, {trainer.precision}, "
            f"seed {self.prepared.root.seed}; best by {self.prepared.root.monitor}"
        )
        if self.prepared.chosen:
            precision, reason = precision_of(trainer.strategy.root_device)
            console.print(f"precision: {precision}, since {reason}; trainer.precision=NAME chooses another")
        console.print(f"run folder: {run.path}\n")

    def _print_notes(self, console: RunConsole) -> None:
        """What is known of rows and texts before training."""
        for note in self.prepared.splits.notes:
            console.print(f"note: {note}")
        if self.prepared.root.folds is None:
            for line in too_few_rows(self.prepared.components.data, self.prepared.splits):
                console.print(f"note: {line}")
        texts = [text for _, rows in self.prepared.splits.items() for text in rows.text]
        for warning in self.reader.warnings(texts, self.prepared.components.model.title):
            console.print(f"warning: {warning}", style="yellow")
        for line in self.reader.advice(texts):
            console.print(f"note: {line}")

    def _learns_from_scratch(self, trainer: Trainer) -> bool:
        """Whether layers of an encoder and heads that know nothing are trained, for as many epochs as are asked for."""
        parts, root = self.prepared.components, self.prepared.root
        return parts.model.layered and parts.head.init == "random" and root.origin is None and trainer.max_steps < 0

    def _unreached(self, steps: int, in_epoch: int) -> list[str]:
        """What does not start in as many epochs as ``trainer.max_steps`` allows."""
        epochs = -(-steps // max(1, in_epoch))
        return [
            f"regularizer.{line}" for line in self.prepared.components.regularizer.conflicts(Context(epochs=epochs))
        ]

    def _print_rows(self, console: RunConsole) -> None:
        """How many rows there are, and what the model reads of them."""
        model = self.prepared.components.model
        for name, rows in self.prepared.splits.items():
            store = self.data.inputs[name]
            share = store.truncated / max(1, len(rows))
            batching = self.prepared.components.batching
            shortened = store.contexts_cut / max(1, len(rows))
            contexts = f", context of {percent(shortened, 1)} cut at batching.max_context={batching.max_context}"
            cut = (
                f"{percent(share, 1)} cut at batching.max_length={batching.max_length}"
                if model.limited
                else "read whole"
            )
            unknown = "".join(f", {percent(one.share, 1)} {one.what}" for one in store.unknown() if one.unknown)
            console.print(
                f"{name}: {times(len(rows), 'row')}, {store.lengths.mean():.0f} tokens on average, "
                f"{cut}{contexts if store.contexts_cut else ''}{unknown}"
            )


def class_balance_table(prepared: Prepared, data: TextDataModule, module: MultiTaskModule) -> Table:
    """Rows per split, weight in the loss and expected exposure per epoch of each class."""
    splits = prepared.splits
    table = Table("task", "class", *(name for name, _ in splits.items()), "class weight", "shown per epoch", "repeats")
    counts = [rows.class_counts(splits.tasks) for _, rows in splits.items()]
    expected = data.sampler.expected_exposure()
    for number, task in enumerate(splits.tasks):
        for c, name in enumerate(task.classes):
            rows = [str(of_split[number][c]) for of_split in counts]
            shown = float(expected.classes[number][c])
            repeats = shown / max(1, int(counts[0][number][c]))
            weight = float(module.loss.weights[number][c])
            table.add_row(task.name if c == 0 else "", name, *rows, f"{weight:.4f}", f"{shown:.0f}", f"{repeats:.2f}")
        table.add_section()
    return table


def parameter_table(optimizers: Sequence[Any]) -> Table:
    """Learning rate and size of each place in the model, with and without weight decay."""
    table = Table("parameters", "with weight decay", "without", "learning rate", "weight decay")
    for optimizer in optimizers:
        places: dict[str, dict[bool, GroupRow]] = {}
        for row in group_table(optimizer):
            places.setdefault(row.name.removesuffix(".no_decay"), {})[row.name.endswith(".no_decay")] = row
        for place, halves in places.items():
            counts = [f"{halves[half].parameters:,}" if half in halves else "0" for half in (False, True)]
            rates = {row.lr for row in halves.values()}
            decay = max(row.weight_decay for row in halves.values())
            table.add_row(place, *counts, ", ".join(f"{rate:.3g}" for rate in rates), f"{decay:g}")
    return table
