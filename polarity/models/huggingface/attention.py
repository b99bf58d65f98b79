"""Attention of the padded pass on a CPU: with cheap dropout in training, by torch's fused kernel in answering."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedConfig
from transformers.masking_utils import eager_mask

from polarity.models.dropout import dropout as dropped

CHEAP = "polarity_cheap_dropout"
"""Under which transformers finds :func:`attention`: drawing torch's dropout takes a twelfth of a step."""

SHORT = 32
"""Tokens of a row from which on torch's fused attention is the faster one in 16 bits; in 32 it is for all rows."""


def fused_pays(length: int) -> bool:
    """Whether torch's fused attention, which has no dropout on a CPU, is faster for tables of rows of this length."""
    return length >= SHORT or not torch.is_autocast_enabled("cpu")


def answering(input_ids: Tensor) -> str:
    """The faster implementation where nothing drops out, for a padded batch ``[B, L]``."""
    return "sdpa" if fused_pays(input_ids.shape[1]) else "eager"


@contextmanager
def attending(config: PreTrainedConfig, name: str) -> Iterator[None]:
    """Within the block an encoder attends by the implementation of this name."""
    before = config._attn_implementation  # noqa: SLF001 - it has no public name
    config._attn_implementation = name  # noqa: SLF001
    try:
        yield
    finally:
        config._attn_implementation = before  # noqa: SLF001


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """As the eager one of transformers but for the numbers that dropout draws.

    ``[rows, heads, tokens, size]`` to ``[rows, tokens, heads, size]``.

    :param attention_mask: is added to the scores, ``[rows, 1, tokens, tokens]``.
    """
    scores = query @ key.transpose(2, 3) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = dropped(scores.softmax(dim=-1), dropout, module.training)
    return (weights.to(value.dtype) @ value).transpose(1, 2).contiguous(), None


AttentionInterface.register(CHEAP, attention)
AttentionMaskInterface.register(CHEAP, eager_mask)
