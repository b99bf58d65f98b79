"""What all poolings share: one vector per row, from real tokens only."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutput


class Pooling(nn.Module, ABC):
    """Turns the token vectors of an encoder into one vector per row.

    The result never depends on padding: a row gives the same vector alone and in a batch of longer rows. What an
    encoder leaves at padded places is 0 by the time that :meth:`forward` is called, also what is no number. The
    constructor takes the settings of ``conf/pooling/NAME.yaml``, and keeps each as an attribute of the same name.
    """

    needs_layers: ClassVar[int] = 0
    """How many of the last hidden layers are read; 0 for the output alone."""

    needs_pooler: ClassVar[bool] = False
    """Whether the encoder's own pooler is read."""

    needs_first_token: ClassVar[bool] = False
    """Whether the first token stands for the whole text, which it does not in every family."""

    def __init__(self) -> None:
        super().__init__()

    def bind(self, width: int) -> None:
        """Make the weights, if there are any, by torch's global generator; called once.

        :param width: size of a token vector; the size of the result as well.
        """

    def __call__(self, output: BaseModelOutput, attention_mask: Tensor) -> Any:
        """As usual, with padded places cleared: weights of 0 would not do, since 0 times infinity is no number."""
        padding = (attention_mask == 0).unsqueeze(-1)
        if output.last_hidden_state is not None:
            output = replace(output, last_hidden_state=output.last_hidden_state.masked_fill(padding, 0))
        if self.needs_layers and output.hidden_states is not None:
            layers = output.hidden_states[-self.needs_layers :]
            output = replace(output, hidden_states=tuple(layer.masked_fill(padding, 0) for layer in layers))
        return super().__call__(output, attention_mask)

    @abstractmethod
    def forward(self, output: BaseModelOutput, attention_mask: Tensor) -> Tensor:
        """Vectors ``[B, width]``, of the dtype of the hidden states.

        :param output: of the encoder, ``last_hidden_state`` is ``[B, L, width]``, and ``hidden_states`` are the last
            ``needs_layers`` ones.
        :param attention_mask: ``[B, L]``, 1 for real tokens, of which every row has at least one.
        """


def masked_mean(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    """Mean over real tokens, ``[B, L, H]`` to ``[B, H]``, summed in float32 since long sums lose digits in bf16."""
    return weighted_sum(hidden, attention_mask / attention_mask.sum(dim=1, keepdim=True))


def weighted_sum(hidden: Tensor, weights: Tensor) -> Tensor:
    """Sum over tokens of ``weights [B, L]`` times ``hidden [B, L, H]``, in float32 under autocast too."""
    with torch.autocast(hidden.device.type, enabled=False):
        return torch.einsum("bl,blh->bh", weights.float(), hidden.float()).to(hidden.dtype)
