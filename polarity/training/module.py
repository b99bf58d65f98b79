"""One training step for all tasks, one score per epoch for each."""

from collections.abc import Sequence
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor

from polarity.clipping.base import Clipping
from polarity.component import Progress
from polarity.content import State
from polarity.errors import UserError
from polarity.evaluation.inference import model_inputs
from polarity.evaluation.metrics import Scores
from polarity.evaluation.monitored import score_metrics
from polarity.evaluation.split_metrics import SplitMetrics
from polarity.losses.base import MultiTaskLoss
from polarity.models.classifier import MultiTaskClassifier
from polarity.optimizers.base import Optimizer
from polarity.regularizers import Regularizer
from polarity.schedulers.base import Scheduler
from polarity.tasks import IGNORE_INDEX, Task
from polarity.training.devices import gathered
from polarity.training.epoch import EpochSums
from polarity.training.sharded import whole

Batch = dict[str, Any]


class MultiTaskModule(LightningModule):
    r"""Trains one encoder and a head per task.

    The loss of an optimizer step is :math:`\sum_t w_t (L_t + R_t)`, where :math:`L_t` and :math:`R_t` (loss and
    regulariser of task :math:`t`) are sums over the labelled rows of the whole accumulation window on all devices,
    divided once by that window's normaliser. So k micro-batches, or k devices, give the gradient of one big batch,
    and the shorter window of an epoch is weighted like any other.

    :param loss: bound to the tasks and the training counts.
    """

    def __init__(
        self,
        *,
        model: MultiTaskClassifier,
        tasks: Sequence[Task],
        loss: MultiTaskLoss,
        regularizer: Regularizer,
        optimizer: Optimizer,
        scheduler: Scheduler,
        clipping: Clipping,
    ) -> None:
        super().__init__()
        self.model = model
        self.loss = loss
        self.tasks = tuple(tasks)
        self.regularizer = regularizer
        self.clipping = clipping
        self.metrics = SplitMetrics(tasks)
        self.scores: Scores | None = None
        self.validation: dict[str, float] = {}
        self._optimizer = optimizer
        self._scheduler = scheduler
        self._plateau: Any = None
        self._plateau_state: State | None = None
        self._epochs = 1
        self._stopping = False
        self.last_norm = torch.tensor(0.0)
        self._sums = EpochSums(len(self.tasks))
        self._objective: Tensor | float = 0.0  # of the micro-batches of a window so far

    def task_losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """What this micro-batch adds to the loss and to the regulariser of each task in its window, ``[T]`` each."""
        return self._losses(batch)[:2]

    def _losses(self, batch: Batch) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
        """Also the logits and the labels of all copies."""
        progress = Progress(self.current_epoch, self._epochs)
        copies = self.regularizer.copies(progress)
        inputs = model_inputs(batch)
        if copies > 1:  # one forward over all dropout copies keeps the processor busier than one forward each
            inputs = {name: torch.cat([value] * copies) for name, value in inputs.items()}
        logits = self.model(**inputs)
        labels, window = batch["labels"], batch["window"]
        repeated = labels.repeat(copies, 1)
        losses = self.loss(logits, repeated, [counts * copies for counts in window], progress)
        split = [values.float().view(copies, len(labels), -1) for values in logits]
        rows = [counts.sum() for counts in window]
        said = [] if self.regularizer.teacher is None else [batch["teacher"]]
        penalties = self.regularizer.penalty(split, labels, rows, progress, *said)
        return losses, penalties, logits, repeated

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Loss of one micro-batch, scaled so that Lightning's averages become the sum over the window."""
        losses, penalties, logits, labels = self._losses(batch)
        self._sums.add_batch(losses, penalties, logits, labels, first=self.global_rank == 0)
        self.last_task_losses = losses + penalties
        total = (self.loss.task_weights * self.last_task_losses).sum()
        # Lightning divides by the accumulation factor, and DDP averages over devices; both are undone here, since the
        # window's normaliser has already divided by everything there is to divide by.
        devices = self.trainer.world_size
        self._objective = self._objective + total.detach() * devices
        # Lightning takes it with the step that the window ends with; on several devices it is that of the first one.
        self.log("step/objective", self._objective, batch_size=len(batch["labels"]))
        return total * self.trainer.accumulate_grad_batches * devices

    def on_train_start(self) -> None:
        """Let each device draw its own dropout masks; Lightning has given all of them the same seed."""
        self._epochs = self.trainer.max_epochs or self._epochs
        if self.global_rank > 0:
            torch.manual_seed(torch.initial_seed() + self.global_rank)

    def on_train_epoch_start(self) -> None:
        """Forget the sums of the last epoch."""
        self._sums = EpochSums(len(self.tasks))

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Let training stop between optimizer steps only, and never without validating what was trained.

        Lightning ends an epoch at ``max_steps`` without validation, and at ``max_time`` even within a window, the
        gradients of which would be lost.
        """
        trainer, done = self.trainer, batch_idx + 1
        self._stopping = self._stopping or trainer.should_stop
        stepped = done % trainer.accumulate_grad_batches == 0 or done == trainer.num_training_batches
        if stepped:
            self._objective = 0.0
        trainer.should_stop = self._stopping and stepped
        if 0 < trainer.max_steps <= trainer.global_step:
            trainer.val_check_batch = done  # the epoch ends with this batch, so it is validated now

    def on_train_epoch_end(self) -> None:
        """Log the epoch's losses."""
        self.log_dict(self.training_losses())

    def training_losses(self) -> dict[str, float]:
        """Losses and gradient norm of the epoch so far, see :meth:`EpochSums.means`; reduces over devices."""
        labels = self.trainer.datamodule.splits.val.labels  # type: ignore[attr-defined]
        return self._sums.means(
            self.tasks,
            (labels != IGNORE_INDEX).any(axis=0).tolist(),
            self.loss.task_weights,
            self.trainer.accumulate_grad_batches,
            lambda table: self.trainer.strategy.reduce(table, reduce_op="sum"),
        )

    def on_validation_epoch_start(self) -> None:
        """Forget what the last epoch counted."""
        self.metrics.reset()

    def validation_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Count the batch; returns what is decided, int64 ``[rows, tasks]``, for callbacks."""
        number = len(batch["rows"])  # none, where the batch only keeps this device in step with the others
        logits = [values[:number] for values in self.model(**model_inputs(batch))]
        self.metrics.update(logits, batch["labels"][:number])
        return torch.stack([values.argmax(dim=1) for values in logits], dim=1)

    def on_validation_epoch_end(self) -> None:
        """Score the whole split, over all devices."""
        self.scores = self.metrics.scores()
        self.validation = score_metrics(self.scores) | self.metrics.losses()
        self.log_dict(self.validation)
        if self._plateau is not None and not self.trainer.sanity_checking:
            self._plateau.step(self.validation[self._scheduler_monitor])

    def configure_optimizers(self) -> Any:
        """The optimizer, and its schedule over all steps that the Trainer plans."""
        optimizer = self._optimizer.build(self.model)
        if not all("name" in group for group in optimizer.param_groups):
            raise UserError(
                f"optimizer: each group of {type(self._optimizer).__name__} needs a 'name' beside its 'params'"
            )
        schedule = self._scheduler.build(optimizer, int(self.trainer.estimated_stepping_batches))
        if "monitor" not in schedule:
            return {"optimizer": optimizer, "lr_scheduler": schedule}
        # Lightning steps plateau schedules after the epoch's checkpoint is written, and a resumed run would miss that
        # step; so it is stepped here, where its score is computed.
        self._plateau, self._scheduler_monitor = schedule["scheduler"], schedule["monitor"]
        if self._plateau_state is not None:
            self._plateau.load_state_dict(self._plateau_state)
        return optimizer

    def configure_gradient_clipping(self, optimizer: Any, *args: Any, **kwargs: Any) -> None:
        """Clip as the clipping group says, and log the norms before it."""
        norms = {name: whole(norm) for name, norm in self.clipping.clip(self.model).items()}
        self.last_norm = self._sums.add_step(list(norms.values()), first=self.global_rank == 0)
        self.log_dict({f"gradient/{name}": value for name, value in norms.items()})

    def on_save_checkpoint(self, checkpoint: State) -> None:
        """Everything that a fresh object needs to be built without the hub: plain containers only."""
        checkpoint["architecture"] = self.model.architecture()
        checkpoint["loss_sums"] = gathered(self._sums.table.cpu())
        checkpoint["plateau"] = None if self._plateau is None else dict(self._plateau.state_dict())

    def on_load_checkpoint(self, checkpoint: State) -> None:
        """Mostly, the plateau schedule is built later than this; keep its state until then."""
        self._plateau_state = checkpoint["plateau"]
        if self._plateau is not None and self._plateau_state is not None:
            self._plateau.load_state_dict(self._plateau_state)
        sums = checkpoint["loss_sums"]
        if self.global_rank < len(sums):
            self._sums.table = sums[self.global_rank]
