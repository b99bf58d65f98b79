"""The same modules and batches in a bare PyTorch loop on a CPU: what training takes without a Trainer around it."""

import torch

from benchmarks import work as settings
from benchmarks.turns import Clock
from polarity.evaluation.inference import autocast
from polarity.training.assembled import Assembled


def train(assembled: Assembled, clock: Clock) -> None:
    """Train until the time is up."""
    module, data, parts = assembled.module.train(), assembled.data, assembled.prepared.components
    module.model.encoder.narrow(data.inputs["train"])
    loader, precision = data.train_dataloader(), str(assembled.prepared.config["trainer"]["precision"])
    optimizer = parts.optimizer.build(module.model)
    schedule = parts.scheduler.build(optimizer, len(loader) // settings.ACCUMULATE)["scheduler"]
    rows = 0
    for number, batch in enumerate(loader, start=1):
        with autocast(module.device, precision):
            losses, penalties = module.task_losses(batch)
        torch.autograd.backward((losses + penalties).sum())
        rows += len(batch["labels"])
        if number % settings.ACCUMULATE == 0:
            parts.clipping.clip(module.model)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            if clock.stepped(rows):
                return
            rows = 0
