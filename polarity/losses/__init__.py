"""Losses: what a task's logits cost. One method a file, chosen by ``loss=NAME``.

>>> import torch
>>> from polarity.tasks import Task
>>> loss = FocalLoss(gamma=2.0, class_weights="balanced")
>>> loss.bind([Task("tone", ("calm", "angry"), "tone")], [[300, 100]])
>>> loss([torch.tensor([[0.0, 0.0]])], torch.tensor([[0]])).tolist()  # log(2) / 4
[0.1732867956161499]
"""

from polarity.losses.base import MultiTaskLoss
from polarity.losses.ce import CrossEntropyLoss
from polarity.losses.class_weights import ClassWeights
from polarity.losses.focal import FocalLoss
from polarity.losses.settings import LossSettings

__all__ = ["ClassWeights", "CrossEntropyLoss", "FocalLoss", "LossSettings", "MultiTaskLoss"]
