"""A vector for each n-gram, learnt from the training rows alone."""

from torch import Tensor, nn
from torch.nn import functional as F

from polarity.models.encoder import ENCODER, Encoder, Place
from polarity.models.ngrams.reader import NgramReader


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

    reader = NgramReader

    def __init__(self, *, terms: int, width: int, dropout: float, lr: float, weight_decay: float) -> None:
        super().__init__()
        self.terms, self.width, self.dropout = terms, width, dropout
        self.lr, self.weight_decay = lr, weight_decay
        self.table = nn.Embedding(max(1, terms), width)
        nn.init.zeros_(self.table.weight)

    def forward(self, terms: Tensor, weights: Tensor) -> Tensor:  # type: ignore[override]
        """Vectors ``[B, width]`` of terms and weights ``[B, L]``."""
        kept = F.dropout(weights, self.dropout, self.training)
        return F.embedding_bag(terms, self.table.weight, per_sample_weights=kept, mode="sum")

    def places(self) -> list[Place]:
        """One, at a rate of its own, since the vectors are learnt from nothing."""
        return [Place(ENCODER, list(self.parameters()), lr=self.lr, weight_decay=self.weight_decay)]
