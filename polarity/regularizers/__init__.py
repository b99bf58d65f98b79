"""Regularizers: penalties that compare dropout copies of a batch. One method a file, chosen by ``regularizer=NAME``."""

from polarity.regularizers.base import Regularizer
from polarity.regularizers.none import NoRegularizer
from polarity.regularizers.rdrop import RDrop

__all__ = ["NoRegularizer", "RDrop", "Regularizer"]
