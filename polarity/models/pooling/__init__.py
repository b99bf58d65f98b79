"""Poolings: from the vectors of all tokens to one vector per row. One method a file, chosen by ``pooling=NAME``.

>>> import torch
>>> from transformers.modeling_outputs import BaseModelOutput
>>> output = BaseModelOutput(last_hidden_state=torch.tensor([[[1.0], [3.0], [8.0]]]))
>>> MeanPooling()(output, torch.tensor([[1, 1, 0]])).tolist()
[[2.0]]
"""

from polarity.models.pooling.attention import AttentionPooling
from polarity.models.pooling.base import Pooling
from polarity.models.pooling.cls import ClsPooling
from polarity.models.pooling.last4_mean import Last4MeanPooling
from polarity.models.pooling.max import MaxPooling
from polarity.models.pooling.mean import MeanPooling
from polarity.models.pooling.pooler import PoolerPooling

__all__ = [
    "AttentionPooling",
    "ClsPooling",
    "Last4MeanPooling",
    "MaxPooling",
    "MeanPooling",
    "PoolerPooling",
    "Pooling",
]
