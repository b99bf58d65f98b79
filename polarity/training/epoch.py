"""Sums over the steps of one training epoch, and the means that are logged of them."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from polarity.tasks import IGNORE_INDEX, Task

OBJECTIVE, REGULARIZER, ENTROPY, ROWS, BATCHES, NORMS, STEPS = range(7)
"""Rows of the table of sums; the last three do not depend on the task."""


class EpochSums:
    """What a process has seen of the current epoch, as one float64 table ``[7, tasks]`` on its device.

    Nothing is read from the device before the epoch ends, and the table is all that a resumed run needs. Sums of a
    hundred thousand batches would drift in float32, which is what devices have that know no other.
    """

    def __init__(self, tasks: int) -> None:
        self.table = torch.zeros(7, tasks, dtype=torch.float64)

    def add_batch(
        self, objective: Tensor, penalty: Tensor, logits: Sequence[Tensor], labels: Tensor, *, first: bool
    ) -> None:
        """Count a micro-batch.

        :param objective: what it adds to the loss of each task in its window, ``[tasks]``.
        :param penalty: the same of the regulariser.
        :param logits: ``[n, classes]`` per task.
        :param labels: ``[n, tasks]``.
        :param first: whether this process is the first: batches are counted once over all devices.
        """
        self._move(objective.device)
        self.table[OBJECTIVE] += objective.detach()
        self.table[REGULARIZER] += penalty.detach()
        for number, values in enumerate(logits):
            target = labels[:, number]
            self.table[ENTROPY, number] += F.cross_entropy(
                values.detach().float(), target, ignore_index=IGNORE_INDEX, reduction="sum"
            )
            self.table[ROWS, number] += (target != IGNORE_INDEX).sum()
        self.table[BATCHES] += float(first)

    def add_step(self, norms: Sequence[Tensor], *, first: bool) -> Tensor:
        """Count an optimizer step with these norms of parts of the gradient; one that is not finite is left out.

        :returns: the norm of the whole.
        """
        norm: Tensor = torch.stack([value.detach().float() for value in norms]).norm()
        finite = norm.isfinite()
        self._move(norm.device)
        self.table[NORMS] += norm.where(finite, 0.0) * float(first)
        self.table[STEPS] += finite * float(first)
        return norm

    def _move(self, device: torch.device) -> None:
        self.table = self.table.to(device, torch.float32 if device.type == "mps" else torch.float64)

    def means(
        self,
        tasks: Sequence[Task],
        compared: Sequence[bool],
        task_weights: Tensor,
        accumulate: int,
        reduce: Callable[[Tensor], Tensor],
    ) -> dict[str, float]:
        """The epoch so far, over all devices.

        ``train/TASK/loss`` is plain cross-entropy, the mean over the labelled rows as they were drawn, measured in the
        very pass that trains (so with dropout, and before the step); ``train/loss`` is the mean over the tasks. Both
        are the same quantity as on validation. ``train/objective`` is what is minimised, the mean over optimizer steps.

        :param compared: whether validation has labels of a task; the others do not enter ``train/loss``.
        :param accumulate: micro-batches of a window.
        :param reduce: sums over devices.
        """
        table = reduce(self.table.clone()).double().cpu()
        windows = max(1.0, float(-(-table[BATCHES, 0] // accumulate)))
        objective, regularizer = table[OBJECTIVE] / windows, table[REGULARIZER] / windows
        entropy = table[ENTROPY] / table[ROWS]  # not a number without labelled rows
        shown = entropy[torch.tensor(compared)]
        values = {
            "train/loss": float(shown[~shown.isnan()].mean()),
            "train/objective": float((task_weights.cpu() * (objective + regularizer)).sum()),
            "train/gradient_norm": float(table[NORMS, 0] / table[STEPS, 0]),
        }
        for number, task in enumerate(tasks):
            values[f"train/{task.name}/loss"] = float(entropy[number])
            values[f"train/{task.name}/objective"] = float(objective[number])
            values[f"train/{task.name}/regularizer"] = float(regularizer[number])
        return values
