"""The first token."""

from torch import Tensor
from transformers.modeling_outputs import BaseModelOutput

from polarity.models.pooling.base import Pooling


class ClsPooling(Pooling):
    r"""The vector of the first token, :math:`h_1`: the one that encoders put there to stand for the whole text.

    Devlin et al., BERT, NAACL 2019 (arXiv 1810.04805).
    """

    needs_first_token = True

    def forward(self, output: BaseModelOutput, attention_mask: Tensor) -> Tensor:
        assert output.last_hidden_state is not None
        return output.last_hidden_state[:, 0]
