"""Schedulers: how the learning rate changes over a run. One method a file, chosen by ``scheduler=NAME``."""

from polarity.schedulers.base import Scheduler
from polarity.schedulers.constant import ConstantScheduler
from polarity.schedulers.cosine import CosineScheduler
from polarity.schedulers.linear import LinearScheduler
from polarity.schedulers.plateau import PlateauScheduler

__all__ = ["ConstantScheduler", "CosineScheduler", "LinearScheduler", "PlateauScheduler", "Scheduler"]
