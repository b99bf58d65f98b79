"""The encoder's own pooler."""

from torch import Tensor
from transformers.modeling_outputs import BaseModelOutput

from polarity.models.pooling.base import Pooling


class PoolerPooling(Pooling):
    r"""The pretrained pooler of the encoder: :math:`\tanh(W h_1 + b)` in BERT, trained there on pairs of sentences.

    Only for families that have one, and for weights that contain it.
    """

    needs_pooler = True
    needs_first_token = True  # as the poolers of all families of transformers that read texts do

    def forward(self, output: BaseModelOutput, attention_mask: Tensor) -> Tensor:
        pooled: Tensor | None = getattr(output, "pooler_output", None)  # each family has an output class of its own
        assert pooled is not None
        return pooled
