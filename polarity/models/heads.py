"""Heads: from the shared vector of a row to the logits of one task."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from polarity.component import Component
from polarity.errors import UserError
from polarity.models.trunk import Trunk
from polarity.settings import PositiveInt, ProperFraction

Init = Literal["random", "linear_probe"]


class TaskHead(nn.Module):
    """The layers of one task, see :class:`Head`.

    :param sizes: of the input, of each hidden layer, and the number of classes.
    :param dropout: rate of the dropout after each hidden layer.
    :param residual: whether hidden layers but the first are added to their input.
    """

    def __init__(self, sizes: Sequence[int], dropout: float, *, residual: bool) -> None:
        super().__init__()
        self.hidden = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(sizes[:-1]))
        self.out = nn.Linear(sizes[-2], sizes[-1])
        self.dropout = nn.Dropout(dropout)
        self.residual = residual

    def forward(self, features: Tensor) -> Tensor:
        """``[B, in_features]`` to logits ``[B, classes]``."""
        for number, layer in enumerate(self.hidden):
            hidden = self.dropout(F.gelu(layer(features)))
            features = features + hidden if self.residual and number > 0 else hidden
        logits: Tensor = self.out(features)
        return logits


class Head(Component):
    r"""Settings of what stands between the pooled vector and the logits: an optional shared trunk, one head per task.

    A head of :math:`n` layers is exactly :math:`n` linear layers, :math:`n - 1` of them hidden:

    .. math:: h_0 = x, \quad h_i = [h_{i-1} +] \operatorname{dropout}(\operatorname{GELU}(W_i h_{i-1} + b_i)),
        \quad \text{logits} = W_n h_{n-1} + b_n

    with the sum in brackets for ``residual`` and :math:`i > 1`. All tasks have heads of the same shape; the trunk is
    :class:`~polarity.models.trunk.Trunk`.

    :param layers: number of linear layers of a head, n.
    :param width: of the hidden layers; None for the width of the head's input.
    :param dropout: rate of the dropout after each hidden layer. The input of a head has its own: ``model.dropout``, or
        that of the trunk.
    :param residual: whether each hidden layer but the first is added to its input.
    :param trunk_width: width of the trunk; None for no trunk.
    :param trunk_dropout: rate of the dropout that ends the trunk; None without a trunk.
    :param init: what heads begin as: "random", or "linear_probe", the logistic regression on what the encoder gives
        before training, see :mod:`polarity.training.linear_probe`.
    """

    def __init__(
        self,
        *,
        layers: PositiveInt = 1,
        width: PositiveInt | None = None,
        dropout: ProperFraction = 0.0,
        residual: bool = False,
        trunk_width: PositiveInt | None = None,
        trunk_dropout: ProperFraction | None = None,
        init: Init = "random",
    ) -> None:
        problems = []
        if init == "linear_probe" and (layers > 1 or trunk_width is not None):
            problems.append("init: a linear probe is one layer on the encoder's vector; use head=linear or init=random")
        if layers == 1 and width is not None:
            problems.append("width: has no effect with layers=1, which has no hidden layer; set it to null")
        if layers == 1 and dropout > 0:
            problems.append("dropout: has no effect with layers=1, which has no hidden layer; set it to 0.0")
        if layers < 3 and residual:
            problems.append(f"residual: has no effect with layers={layers}, since it joins two hidden layers or more")
        if trunk_width is None and trunk_dropout is not None:
            problems.append("trunk_dropout: has no effect without trunk_width; set it to null")
        if trunk_width is not None and trunk_dropout is None:
            problems.append(f"trunk_dropout: has to be given with trunk_width={trunk_width} (0.0 for none)")
        if problems:
            raise UserError(problems)
        self.layers = layers
        self.width = width
        self.dropout = dropout
        self.residual = residual
        self.trunk_width = trunk_width
        self.trunk_dropout = trunk_dropout
        self.init: Init = init

    @property
    def dropout_rates(self) -> list[float]:
        """Of all dropout layers."""
        return [self.dropout, self.trunk_dropout or 0.0]

    def build_trunk(self, in_features: int) -> nn.Module:
        """The trunk, or an identity."""
        if self.trunk_width is None or self.trunk_dropout is None:
            return nn.Identity()
        return Trunk(in_features, self.trunk_width, self.trunk_dropout)

    def build(self, in_features: int, classes: int) -> TaskHead:
        """The head of one task.

        :param in_features: size of the pooled vector, before the trunk.
        """
        start = self.trunk_width or in_features
        hidden = [self.width or start] * (self.layers - 1)
        return TaskHead([start, *hidden, classes], self.dropout, residual=self.residual)
