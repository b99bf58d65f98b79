"""Clipping: how large a gradient may be. One method a file, chosen by ``clipping=NAME``."""

from polarity.clipping.base import Clipping
from polarity.clipping.none import NoClipping
from polarity.clipping.norm import NormClipping
from polarity.clipping.per_task import PerTaskClipping

__all__ = ["Clipping", "NoClipping", "NormClipping", "PerTaskClipping"]
