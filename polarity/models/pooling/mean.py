"""The mean of the tokens."""

from torch import Tensor
from transformers.modeling_outputs import BaseModelOutput

from polarity.models.pooling.base import Pooling, masked_mean


class MeanPooling(Pooling):
    r"""Mean over the real tokens, :math:`\frac{1}{n}\sum_{i=1}^{n} h_i`.

    Reimers and Gurevych, Sentence-BERT, EMNLP 2019 (arXiv 1908.10084).
    """

    def forward(self, output: BaseModelOutput, attention_mask: Tensor) -> Tensor:
        assert output.last_hidden_state is not None
        return masked_mean(output.last_hidden_state, attention_mask)
