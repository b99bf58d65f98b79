"""What an encoder learns of texts before it learns the tasks. One method a file, chosen by ``pretraining=NAME``."""

from polarity.pretraining.base import Pretraining
from polarity.pretraining.mlm import MaskedLanguageModelling
from polarity.pretraining.none import NoPretraining

__all__ = ["MaskedLanguageModelling", "NoPretraining", "Pretraining"]
