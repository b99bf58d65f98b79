"""Optimizers: one method a file, chosen by ``optimizer=NAME``; all take their parameter groups from ``groups.py``."""

from polarity.optimizers.adamw import AdamW
from polarity.optimizers.base import Optimizer
from polarity.optimizers.groups import group_table

__all__ = ["AdamW", "Optimizer", "group_table"]
