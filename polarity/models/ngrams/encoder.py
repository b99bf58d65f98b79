"""A vector for each n-gram, learnt from the training rows alone."""

from collections.abc import Callable, Mapping
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from polarity.data.reading import Inputs, Reader
from polarity.models.encoder import ENCODER, Encoder, Place
from polarity.models.linear_features import LinearFeatures, Taken
from polarity.models.ngrams.reader import NgramInputs, NgramReader

WIDTH = 32
"""Numbers in a vector, where neither a setting nor a linear model that has to fit in says how many."""


def width_for(outputs: int, terms: int) -> int:
    """Numbers in a vector with which any linear model of so many outputs is held whole; no rank is above either."""
    return max(WIDTH, min(outputs, terms))


class NgramEncoder(Encoder):
    r"""The sum of the vectors of a row's n-grams, each weighted by its TF-IDF: :math:`\sum_t w(t, d) e_t`.

    With linear heads that is a linear model on TF-IDF, factorised as in Joulin et al., Bag of Tricks for Efficient Text
    Classification, EACL 2017 (arXiv 1607.01759). The vectors begin at 0.

    :param terms: how many n-grams there are.
    :param width: size of a vector.
    :param dropout: share of the n-grams of a row that is left out in training.
    :param lr: peak rate of the vectors.
    :param weight_decay: of the vectors.
    """

    reader: ClassVar[type[Reader]] = NgramReader

    def __init__(self, *, terms: int, width: int, dropout: float, lr: float, weight_decay: float) -> None:
        super().__init__()
        self.terms, self.width, self.dropout = terms, width, dropout
        self.lr, self.weight_decay = lr, weight_decay
        self.table = nn.Embedding(max(1, terms), width)
        nn.init.zeros_(self.table.weight)

    @property
    def title(self) -> str:
        return "n-grams"

    def forward(self, terms: Tensor, weights: Tensor) -> Tensor:  # type: ignore[override]
        """Vectors ``[B, width]`` of terms and weights ``[B, L]``."""
        kept = F.dropout(weights, self.dropout, self.training)
        return F.embedding_bag(terms, self.table.weight, per_sample_weights=kept, mode="sum")

    def linear_features(
        self, inputs: Mapping[str, Inputs], compute: Callable[[Encoder, Inputs], np.ndarray]
    ) -> LinearFeatures:
        """TF-IDF; a model with more outputs than a vector has numbers is taken over as well as that allows."""
        read = {split: cast("NgramInputs", own).vectors for split, own in inputs.items()}
        return LinearFeatures(read, self._take)

    @torch.no_grad()
    def _take(self, weights: np.ndarray) -> Taken:
        """By singular values (Eckart and Young, Psychometrika 1936); what is left of the vectors begins at 0."""
        columns = np.zeros((len(weights), self.width))
        self.table.weight.zero_()
        if not self.terms:
            return columns, np.zeros(len(weights))
        outputs, values, terms = np.linalg.svd(weights, full_matrices=False)
        rank = min(self.width, len(values))
        root = np.sqrt(values[:rank])
        self.table.weight[:, :rank] = torch.from_numpy((root[:, None] * terms[:rank]).T)
        columns[:, :rank] = outputs[:, :rank] * root
        return columns, np.zeros(len(weights))

    def places(self) -> list[Place]:
        """One, at a rate of its own, since the vectors are learnt from nothing."""
        return [Place(ENCODER, list(self.parameters()), lr=self.lr, weight_decay=self.weight_decay)]
