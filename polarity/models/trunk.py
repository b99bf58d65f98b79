"""What all heads share above the encoder."""

from torch import Tensor, nn
from torch.nn import functional as F


class Trunk(nn.Module):
    r"""A layer that all tasks share.

    .. math:: \operatorname{dropout}(\operatorname{LayerNorm}(\operatorname{GELU}(Wx + b)))

    :param in_features: size of the pooled vector.
    :param width: size of the result.
    :param dropout: rate of the dropout after the norm.
    """

    def __init__(self, in_features: int, width: int, dropout: float) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, pooled: Tensor) -> Tensor:
        """``[B, in_features]`` to ``[B, width]``."""
        shared: Tensor = self.dropout(self.norm(F.gelu(self.linear(pooled))))
        return shared
