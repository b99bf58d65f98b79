"""Settings of the encoder of n-grams."""

import copy
from typing import Self

from polarity.data.ngrams import TextFeatures
from polarity.data.reading import Reader, check_texts
from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.models.encoder import EncoderSettings
from polarity.models.ngrams.encoder import NgramEncoder, width_for
from polarity.models.ngrams.reader import NgramReader
from polarity.settings import NonNegative, Positive, PositiveInt, ProperFraction


class Ngrams(EncoderSettings):
    """Words (1-2) and pieces of words (2-5 characters) that training texts have at least twice; any language.

    Texts are read whole, whatever ``batching.max_length`` is.

    :param width: size of the vector of each n-gram; None for 32, or for as many numbers as the linear model needs that
        the vectors begin as.
    :param dropout: share of the n-grams of a row that is left out in training.
    :param lr: peak rate of the vectors, in place of ``optimizer.lr`` and its multipliers.
    :param weight_decay: of the vectors, in place of the optimizer's.
    """

    def __init__(
        self,
        *,
        width: PositiveInt | None = None,
        dropout: ProperFraction = 0.1,
        lr: Positive = 2e-3,
        weight_decay: NonNegative = 0.03,
    ) -> None:
        self.width, self.dropout = width, dropout
        self.lr, self.weight_decay = lr, weight_decay
        self.outputs = 0

    @property
    def title(self) -> str:
        """What it reads."""
        return "n-grams"

    @property
    def dropout_rates(self) -> list[float]:
        """That of the n-grams."""
        return [self.dropout]

    @property
    def limited(self) -> bool:
        """Texts are read whole."""
        return False

    @property
    def layered(self) -> bool:
        """There is one."""
        return False

    def holding(self, outputs: int) -> Self:
        """A copy that does not say how wide the vectors are before it is known how many n-grams there are."""
        changed = copy.copy(self)
        changed.outputs = outputs
        return changed

    def make_reader(self, rows: Rows | None = None) -> NgramReader:
        """Learns which n-grams there are and how rare they are; labels are not looked at."""
        features = TextFeatures()
        if rows is None:
            raise UserError("model: n-grams are learnt from training rows, and there are none here; use another model")
        check_texts(rows)
        features.fit(rows)
        return NgramReader(features)

    def build(self, reader: Reader) -> NgramEncoder:
        """Vectors of 0 for all n-grams."""
        assert isinstance(reader, NgramReader)
        width = width_for(self.outputs, reader.terms) if self.width is None else self.width
        settings = {"dropout": self.dropout, "lr": self.lr, "weight_decay": self.weight_decay}
        return NgramEncoder(terms=reader.terms, width=width, **settings)
