"""Numbers of one size."""

import torch
from torch import Tensor, nn


class Standard(nn.Module):
    r"""Shifts and scales each number of a vector, :math:`(x - \mu) / \sigma`, by what it was over the training rows.

    The vectors of a pretrained encoder point much the same way (Ethayarajh, How Contextual are Contextualized Word
    Representations?, EMNLP 2019, arXiv 1909.00512): what tells rows apart is small against their mean, and heads learn
    it slowly. Where the encoder does not train, it cannot help them.

    :param width: size of the vector.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    @property
    def fitted(self) -> bool:
        """Whether it does anything yet."""
        return bool((self.mean != 0).any() or (self.scale != 1).any())

    def fit(self, vectors: Tensor) -> None:
        """Learn mean and scale from the vectors of the training rows, ``[rows, width]``; constant numbers become 0."""
        mean = vectors.mean(dim=0, dtype=torch.float64)
        deviation = (vectors.double() - mean).square().mean(dim=0).sqrt()
        varies = deviation > 1e-6 * mean.abs()
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(varies, 1 / deviation.clamp_min(1e-12), torch.zeros_like(deviation)))

    def forward(self, vectors: Tensor) -> Tensor:
        """Standardised vectors ``[B, width]``, in their dtype."""
        return ((vectors.float() - self.mean) * self.scale).to(vectors.dtype)
