"""What a linear model reads of an encoder before training, and how the encoder takes over what that has learnt."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, hstack

Taken = tuple[np.ndarray, np.ndarray]
"""Weights ``[outputs, width]`` and biases ``[outputs]`` of linear heads on the encoder's vectors."""


@dataclass(frozen=True)
class LinearFeatures:
    """Features by split, each float ``[rows, features]``.

    :param take: gives the encoder its part of a linear model's weights, ``[outputs, features]``, and returns those of
        the heads which, on the encoder's vectors, compute the same.
    """

    by_split: Mapping[str, csr_matrix]
    take: Callable[[np.ndarray], Taken]

    @property
    def size(self) -> int:
        """How many features there are."""
        return int(next(iter(self.by_split.values())).shape[1])


def of_vectors(vectors: Mapping[str, np.ndarray]) -> LinearFeatures:
    """Vectors that stay as they are, each number standardised over "train", and rows of length 1 on average.

    :param vectors: float ``[rows, width]`` by split.
    """
    train = vectors["train"].astype(np.float64)
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    scale = np.divide(1, deviation, out=np.zeros_like(mean), where=deviation > 1e-6 * np.abs(mean))
    scale /= np.sqrt(len(mean))

    def take(weights: np.ndarray) -> Taken:
        return weights * scale, -(weights * scale) @ mean

    return LinearFeatures({split: csr_matrix((own - mean) * scale) for split, own in vectors.items()}, take)


def side_by_side(parts: Sequence[LinearFeatures]) -> LinearFeatures:
    """The features of several encoders whose vectors follow each other."""
    ends = np.cumsum([part.size for part in parts])[:-1]

    def take(weights: np.ndarray) -> Taken:
        pairs = zip(parts, np.split(weights, ends, axis=1), strict=True)
        columns, biases = zip(*(part.take(own) for part, own in pairs), strict=True)
        return np.concatenate(columns, axis=1), np.sum(biases, axis=0)

    splits = parts[0].by_split
    return LinearFeatures(
        {split: csr_matrix(hstack([part.by_split[split] for part in parts])) for split in splits}, take
    )
