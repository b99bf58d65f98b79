"""Attention of the padded pass in training on a CPU, where drawing torch's dropout takes a twelfth of a step."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedConfig
from transformers.masking_utils import eager_mask

from polarity.models.dropout import dropout as dropped

CHEAP = "polarity_cheap_dropout"
"""Under which transformers finds :func:`attention`."""


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
