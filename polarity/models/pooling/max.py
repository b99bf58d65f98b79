"""The maximum over the tokens."""

import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutput

from polarity.models.pooling.base import Pooling


class MaxPooling(Pooling):
    r"""Largest value of each feature over the real tokens, :math:`\max_{i=1}^{n} h_i`.

    Conneau et al., Supervised Learning of Universal Sentence Representations, EMNLP 2017 (arXiv 1705.02364).
    """

    def forward(self, output: BaseModelOutput, attention_mask: Tensor) -> Tensor:
        hidden = output.last_hidden_state
        assert hidden is not None
        padding = (attention_mask == 0).unsqueeze(-1)
        return hidden.masked_fill(padding, torch.finfo(hidden.dtype).min).amax(dim=1)
