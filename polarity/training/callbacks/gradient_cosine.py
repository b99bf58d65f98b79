"""Whether the tasks pull the shared encoder in the same direction."""

from itertools import combinations
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import nn

from polarity.errors import UserError
from polarity.settings import PositiveInt
from polarity.training.module import MultiTaskModule


class GradientCosine(Callback):
    r"""Logs the cosine between the tasks' gradients on the shared parameters, ``cosine/TASK_TASK``, and their norms.

    For tasks s and t with gradients :math:`g_s, g_t` of one micro-batch on encoder, trunk and pooling (two dropout
    copies included, if the regulariser asks for them): :math:`\cos = g_s \cdot g_t / (|g_s|\,|g_t|)`; below 0 the
    tasks conflict (Yu et al. 2020, arXiv 2001.06782). A pair is left out where a task has no label in the batch.

    :param every_n_batches: each look costs one more backward pass per task.
    """

    def __init__(self, *, every_n_batches: PositiveInt = 50) -> None:
        self.every_n_batches = every_n_batches

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Refuse a model of which tasks share nothing that is trained."""
        if not _shared(pl_module):
            raise UserError(
                "callbacks: gradient_cosine looks at the weights that tasks share, and none is trained here "
                "(model.freeze=encoder); leave it out"
            )

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Measure on this batch, without touching its own gradients or its random numbers."""
        if batch_idx % self.every_n_batches:
            return
        assert isinstance(pl_module, MultiTaskModule)
        shared = _shared(pl_module)
        device = trainer.strategy.root_device
        generators = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(generators), trainer.precision_plugin.train_step_context():
            losses, penalties = pl_module.task_losses(batch)
        gradients = {}
        for task, loss in zip(pl_module.tasks, losses + penalties, strict=True):
            parts = torch.autograd.grad(loss, shared, retain_graph=True, allow_unused=True)
            gradients[task.name] = torch.cat([part.float().flatten() for part in parts if part is not None])
        values = {f"gradient_norm/{name}": gradient.norm() for name, gradient in gradients.items()}
        for first, second in combinations(gradients, 2):
            product = values[f"gradient_norm/{first}"] * values[f"gradient_norm/{second}"]
            if product > 0:
                values[f"cosine/{first}_{second}"] = gradients[first] @ gradients[second] / product
        for logger in trainer.loggers:
            logger.log_metrics({name: float(value) for name, value in values.items()}, step=trainer.global_step)


def _shared(module: LightningModule) -> list[nn.Parameter]:
    assert isinstance(module, MultiTaskModule)
    return [parameter for parameter in module.model.shared_parameters() if parameter.requires_grad]
