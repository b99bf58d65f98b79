"""A pass that computes nothing for padding: the tokens of all rows of a batch go through as one long row.

Embeddings, linear layers and norms see one token at a time, whichever row it is of; attention alone is computed row by
row, in tables of rows of like lengths. Modules, weights and results are those of the padded pass.

Zeng et al., Boosting Distributed Training Performance of the Unpadded BERT Model, 2022 (arXiv 2208.08124).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

from polarity.models.huggingface.attention import attending, fused_pays
from polarity.models.huggingface.dropped_attention import dropped_attention

NAME = "polarity_unpadded"
"""Under which transformers finds :func:`attention_by_rows`; with a name that it does not know, it makes no masks."""

FAMILIES = ("bert", "camembert", "distilbert", "electra", "modernbert", "roberta", "xlm-roberta")
"""Those tried: they call attention through the interface of transformers, and take positions as an argument."""

SPREAD = 1.25
"""Longest row of a table, in lengths of its shortest."""

PADDING = {"training": 0.03, "answering": 0.1}
"""Share of a batch below which padding costs less than what it takes to avoid it."""


def pays(attention_mask: Tensor, *, training: bool) -> bool:
    """Whether a batch is worth it: on a CPU, where counting tokens waits for nothing, and with padding in it."""
    least = PADDING["training" if training else "answering"]
    return attention_mask.device.type == "cpu" and bool((1 - attention_mask.float().mean()) > least)


def unpadded(
    backbone: PreTrainedModel, input_ids: Tensor, attention_mask: Tensor, *, layers: int, pooler: bool, **inputs: Tensor
) -> BaseModelOutputWithPooling:
    """What an encoder of :data:`FAMILIES` gives for a padded batch, with zeros for padding.

    :param input_ids: ``[B, L]``, padded on the right, and so are ``inputs``.
    :param attention_mask: ``[B, L]``, 1 for real tokens.
    :param layers: how many of the last hidden layers are in the output.
    :param pooler: whether it has the output of the encoder's own pooler.
    """
    real = attention_mask.bool()
    with attending(backbone.config, NAME):
        output = backbone(
            input_ids=input_ids[real][None],
            position_ids=_positions(backbone, input_ids)[real][None],
            output_hidden_states=layers > 0,
            tables=tables_of(real.sum(dim=1)),
            **{name: values[real][None] for name, values in inputs.items()},
        )
    places = real.flatten().nonzero().squeeze(1)

    def padded(hidden: Tensor) -> Tensor:
        table: Tensor = _Moved.apply(hidden[0], None, places, real.numel())  # type: ignore[no-untyped-call]
        return table.view(*real.shape, -1)

    last = padded(output.last_hidden_state)
    below = [padded(hidden) for hidden in output.hidden_states[-layers:-1]] if layers else []
    own: Any = backbone.pooler if pooler else None
    return BaseModelOutputWithPooling(
        last_hidden_state=last, hidden_states=(*below, last), pooler_output=own and own(last)
    )


def _positions(backbone: PreTrainedModel, input_ids: Tensor) -> Tensor:
    embeddings: Any = backbone.embeddings
    if hasattr(embeddings, "create_position_ids_from_input_ids"):  # RoBERTa counts from its padding index on
        positions: Tensor = embeddings.create_position_ids_from_input_ids(input_ids, embeddings.padding_idx)
        return positions
    return torch.arange(input_ids.shape[1], device=input_ids.device).expand_as(input_ids)


@dataclass(frozen=True)
class LengthTable:
    """Rows of like lengths.

    :param shape: rows, and the length of the longest.
    :param tokens: its tokens among those of the batch.
    :param places: where they stand in it, row by row.
    :param mask: ``[rows, length]``, true for real tokens.
    """

    shape: tuple[int, int]
    tokens: Tensor
    places: Tensor
    mask: Tensor


def tables_of(lengths: Tensor) -> list[LengthTable]:
    """Rows of these lengths, shortest first, a new table wherever one is :data:`SPREAD` times the table's first."""
    starts, order = lengths.cumsum(0) - lengths, lengths.argsort(stable=True)
    cuts, shortest = [], int(lengths.min())
    for number, length in enumerate(lengths[order].tolist()):
        if length > SPREAD * shortest:
            cuts.append(number)
            shortest = length
    tables = []
    for rows in order.tensor_split(cuts):
        steps = torch.arange(int(lengths[rows].max()), device=lengths.device)
        mask = steps < lengths[rows][:, None]
        tokens = (starts[rows][:, None] + steps)[mask]
        tables.append(LengthTable((len(rows), len(steps)), tokens, mask.flatten().nonzero().squeeze(1), mask))
    return tables


def attention_by_rows(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: None,
    *,
    tables: Sequence[LengthTable],
    scaling: float,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention of each token to those of its row, ``[1, heads, tokens, size]`` to ``[1, tokens, heads, size]``.

    :param tables: all rows.
    :param sliding_window: distance between tokens from which on they do not attend to each other (ModernBERT).
    """
    del attention_mask  # the tables know
    heads, tokens, size = query.shape[1:]
    flat = [states.transpose(1, 2).reshape(tokens, heads * size) for states in (query, key, value)]
    attended = []
    for table in tables:
        rows, length = table.shape
        whole = rows * length
        q, k, v = (
            _Moved.apply(states, table.tokens, table.places, whole).view(rows, length, heads, size).transpose(1, 2)  # type: ignore[no-untyped-call]
            for states in flat
        )
        allowed = table.mask[:, None, None]
        if sliding_window is not None:
            steps = torch.arange(length, device=query.device)
            allowed = allowed & ((steps - steps[:, None]).abs() < sliding_window)
        if dropout and module.training:
            mixed = dropped_attention(q, k, v, allowed, scaling, dropout)
        elif not fused_pays(length):
            scores = (q @ k.transpose(2, 3) * scaling).masked_fill(~allowed, torch.finfo(q.dtype).min)
            mixed = scores.softmax(dim=-1).to(v.dtype) @ v
        else:
            mixed = F.scaled_dot_product_attention(q, k, v, allowed, scale=scaling)
        hidden = mixed.transpose(1, 2).reshape(whole, heads * size)
        attended.append(_Moved.apply(hidden, table.places, table.tokens, tokens))  # type: ignore[no-untyped-call]
    return torch.stack(attended).sum(dim=0).view(1, tokens, heads, size), None


class _Moved(torch.autograd.Function):
    """Some vectors of ``[n, width]`` at other places of ``[size, width]``, zeros elsewhere.

    No place occurs twice, so that the gradient moves back without adding, unlike that of torch's own indexing.
    """

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, source: Tensor | None, target: Tensor, size: int) -> Tensor:
        ctx.save_for_backward(source, target)
        ctx.size = len(vectors)
        return _move(vectors, source, target, size)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        source, target = ctx.saved_tensors
        return _move(gradients[0], target, source, ctx.size), None, None, None


def _move(vectors: Tensor, source: Tensor | None, target: Tensor | None, size: int) -> Tensor:
    taken = vectors if source is None else vectors.index_select(0, source)
    return taken if target is None else taken.new_zeros(size, taken.shape[1]).index_copy_(0, target, taken)


AttentionInterface.register(NAME, attention_by_rows)
