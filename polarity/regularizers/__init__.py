"""Regularizers: penalties that compare dropout copies of a batch. One method a file, chosen by ``regularizer=NAME``."""

from polarity.regularizers.base import Regularizer
from polarity.regularizers.distillation import Distillation
from polarity.regularizers.none import NoRegularizer
from polarity.regularizers.rdrop import RDrop

__all__ = ["Distillation", "NoRegularizer", "RDrop", "Regularizer"]
