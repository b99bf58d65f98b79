"""Optimizers: one method a file, chosen by ``optimizer=NAME``; all take their parameter groups from ``groups.py``."""

from polarity.optimizers.adamw import AdamW
from polarity.optimizers.base import Optimizer
from polarity.optimizers.groups import GroupRow, group_table, parameter_groups

__all__ = ["AdamW", "GroupRow", "Optimizer", "group_table", "parameter_groups"]
