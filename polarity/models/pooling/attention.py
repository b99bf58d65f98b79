"""A learnt weighting of the tokens."""

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutput

from polarity.models.pooling.base import Pooling, weighted_sum


class AttentionPooling(Pooling):
    r"""Mean of the real tokens with learnt weights.

    .. math:: \sum_i a_i h_i, \quad a = \operatorname{softmax}_i\bigl(v^\top \tanh(W h_i + b)\bigr)

    Yang et al., Hierarchical Attention Networks for Document Classification, NAACL 2016.
    """

    def bind(self, width: int) -> None:
        self.project = nn.Linear(width, width)
        self.query = nn.Linear(width, 1, bias=False)

    def forward(self, output: BaseModelOutput, attention_mask: Tensor) -> Tensor:
        hidden = output.last_hidden_state
        assert hidden is not None
        scores = self.query(torch.tanh(self.project(hidden))).squeeze(-1).float()
        return weighted_sum(hidden, scores.masked_fill(attention_mask == 0, -torch.inf).softmax(dim=1))
