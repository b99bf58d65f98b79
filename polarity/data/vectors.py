"""Rows as vectors that were computed once."""

import numpy as np
import torch
from torch import Tensor

from polarity.data.reading import Inputs

VECTORS = "vectors"
"""Name of such vectors in a batch."""


class VectorInputs(Inputs):
    """Rows of which an encoder has given all that training cannot change.

    :param vectors: float32 ``[rows, width]``, in memory or mapped.
    :param read: what the vectors are of.
    """

    def __init__(self, vectors: np.ndarray, read: Inputs) -> None:
        super().__init__(read.lengths, truncated=read.truncated, contexts_cut=read.contexts_cut)
        self._vectors = vectors

    def batch(self, rows: np.ndarray) -> dict[str, Tensor]:
        """``vectors`` float32 ``[rows, width]``."""
        return {VECTORS: torch.from_numpy(self._vectors[rows])}
