"""What every pretraining says of itself."""

from abc import ABC, abstractmethod

from polarity.component import Component
from polarity.models.encoder import EncoderSettings


class Pretraining(Component, ABC):
    """Training of an encoder on texts alone, before heads are trained on labels."""

    @abstractmethod
    def misfits(self, model: EncoderSettings) -> list[str]:
        """Why an encoder cannot be trained so, as :meth:`~polarity.component.Component.conflicts` says it."""
