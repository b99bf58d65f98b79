"""The mean of the last four layers and of the tokens."""

import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutput

from polarity.models.pooling.base import Pooling, masked_mean


class Last4MeanPooling(Pooling):
    r"""Mean of the last four hidden layers, then over the real tokens, :math:`\frac{1}{4n}\sum_{l>L-4}\sum_i h_i^l`.

    The last layer is the encoder's output, after its final norm where it has one (ModernBERT).
    """

    needs_layers = 4

    def forward(self, output: BaseModelOutput, attention_mask: Tensor) -> Tensor:
        assert output.hidden_states is not None
        layers = output.hidden_states[-self.needs_layers :]
        mean = torch.stack([layer.float() for layer in layers]).mean(dim=0)
        return masked_mean(mean, attention_mask).to(layers[-1].dtype)
