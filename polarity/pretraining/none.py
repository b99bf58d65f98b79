"""No pretraining."""

from polarity.models.encoder import EncoderSettings
from polarity.pretraining.base import Pretraining


class NoPretraining(Pretraining):
    """The encoder as it was published."""

    def misfits(self, model: EncoderSettings) -> list[str]:
        return []
