"""What ``python -m polarity.ensemble`` does: several finished runs as one, where that is better."""

from polarity.ensembles.making import make as ensemble
from polarity.ensembles.settings import EnsembleSettings

__all__ = ["EnsembleSettings", "ensemble"]
