"""Linear probes that answer together with the heads."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from polarity.models.task_modules import TaskModules
from polarity.tasks import Task


class Probes(nn.Module):
    r"""The linear probe of each task, and what it says together with the trained head.

    The log-probabilities of both are averaged, :math:`(1-s) \log p + s \log q`, a logarithmic opinion pool (Genest and
    Zidek, Combining Probability Distributions, Statistical Science 1, 1986), with

    .. math:: q_c = \sigma(w_c x + b_c) / \sum_k \sigma(w_k x + b_k)

    as the linear baseline has it.

    :param share: of the probe, s.
    """

    def __init__(self, tasks: Sequence[Task], width: int, share: float) -> None:
        super().__init__()
        self.width, self.share = width, share
        with torch.random.fork_rng(devices=[]):  # the heads begin as they would without it
            self.layers = TaskModules({task.name: nn.Linear(width, len(task.classes)) for task in tasks})
        self.requires_grad_(False)  # noqa: FBT003 - the signature of torch

    def of(self, task: Task) -> nn.Linear:
        """The layer of a task."""
        return cast("nn.Linear", self.layers[task.name])

    def beside(self, logits: Tensor, vectors: Tensor, task: Task) -> Tensor:
        """Log-probabilities of both together, up to a constant of each row: ``[B, classes]``.

        :param logits: of the trained head, ``[B, classes]``.
        :param vectors: what the probe reads, ``[B, width]``.
        """
        probe = F.log_softmax(F.logsigmoid(self.of(task)(vectors).float()), dim=1)
        return (1 - self.share) * F.log_softmax(logits.float(), dim=1) + self.share * probe
