"""Attention of the padded pass.

On a CPU with cheap dropout in training, and by torch's fused kernel in answering; on a GPU without a look at the data.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedConfig
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import eager_mask, sdpa_mask

from polarity.models.dropout import dropout as dropped
from polarity.models.huggingface.dropped_attention import dropped_attention, drops_here

CHEAP = "polarity_cheap_dropout"
"""Under which transformers finds :func:`attention`: drawing torch's dropout takes a twelfth of a step."""

ON_GPU = "polarity_on_gpu"
"""Under which it finds sdpa with a mask for every batch: whether one has padding at all, only the GPU could tell."""

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
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    if drops_here(query, attention_mask, dropout, training=module.training):
        attended = dropped_attention(query, key, value, attention_mask, scaling, dropout)
        return attended.transpose(1, 2).contiguous(), None
    scores = query @ key.transpose(2, 3) * scaling
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = dropped(scores.softmax(dim=-1), dropout, module.training)
    return (weights.to(value.dtype) @ value).transpose(1, 2).contiguous(), None


def use_unplanned_attention() -> None:
    """Keep sdpa from cuDNN's kernel, which plans for each shape anew; in the whole process, as torch has it.

    That takes a tenth of a second, and hardly two batches of sorted texts have the same length. Training with an
    encoder of mBERT's shape took 190 ms a step on an H100 with it, 59 ms without.
    """
    torch.backends.cuda.enable_cudnn_sdp(enabled=False)


def whole_mask(*sizes: Any, **settings: Any) -> Tensor | None:
    """As the one of transformers for sdpa, also where nothing is masked."""
    mask: Tensor | None = sdpa_mask(*sizes, **{**settings, "allow_is_bidirectional_skip": False})
    return mask


AttentionInterface.register(ON_GPU, sdpa_attention_forward)
AttentionMaskInterface.register(ON_GPU, whole_mask)
AttentionInterface.register(CHEAP, attention)
AttentionMaskInterface.register(CHEAP, eager_mask)
