"""Attention whose weights drop out, on a CPU, computed a few rows at a time: the tables of a few rows fit its caches.

A table has as many numbers as heads times tokens times tokens. Those of a whole batch of long texts go through memory
for each operation on them, which takes longer than the products. What is computed does not depend on the cut.
"""

from typing import Any

import torch
from torch import Tensor

from polarity.models.dropout import KEPT, drawn_mask, masked

TABLE = 2**20
"""Numbers in the table of the rows that are computed together: 2 MB in 16 bits (half and twice of it: as fast)."""


def drops_here(query: Tensor, allowed: Tensor | None, rate: float, *, training: bool) -> bool:
    """Whether :func:`dropped_attention` is for this pass."""
    learnt = allowed is not None and allowed.requires_grad  # distances between tokens, in some families
    here = query.device.type == "cpu" and not torch.compiler.is_compiling()
    return training and 0 < rate < 1 and here and not learnt


def dropped_attention(
    query: Tensor, key: Tensor, value: Tensor, allowed: Tensor | None, scaling: float, rate: float
) -> Tensor:
    """``dropout(softmax(scaling x query x key^T + allowed)) x value``, all of ``[rows, heads, tokens, size]``.

    Under autocast in its precision; softmax is computed in 32 bits at least. The masks are as those of
    :func:`polarity.models.dropout.dropout`. There is no second derivative.

    :param allowed: true for the tokens that are attended to, or what is added to the scores,
        ``[rows or 1, heads or 1, tokens or 1, tokens]``; it gets no gradient.
    :param rate: of dropout, below 1.
    """
    device = query.device.type
    precision = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else value.dtype
    states = (given.to(precision) for given in (query, key, value))
    if allowed is not None:
        least = torch.finfo(precision).min  # that of more bits is infinite in fewer
        if allowed.dtype == torch.bool:
            allowed = torch.zeros_like(allowed, dtype=precision).masked_fill_(~allowed, least)
        allowed = allowed.to(precision).clamp(min=least).expand(len(query), -1, -1, -1)
    with torch.autocast(device, enabled=False):
        attended: Tensor = _Attended.apply(*states, allowed, scaling, round((1 - rate) * KEPT))  # type: ignore[no-untyped-call]
    return attended


class _Attended(torch.autograd.Function):
    """Both scales are factors of products, which cost nothing there."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, allowed: Tensor | None, scaling: float, kept: int
    ) -> Tensor:
        shape, over_kept = value.shape, KEPT / max(kept, 1)
        together = max(1, TABLE // (shape[1] * shape[2] ** 2))
        added = None if allowed is None else torch.split(allowed, together)
        query, key, value = (states.reshape(-1, *states.shape[2:]) for states in (query, key, value))
        attended, tables, cuts = torch.empty_like(value), [], _cuts(len(value), together * shape[1])
        for number, rows in enumerate(cuts):
            scores = _product(query[rows], key[rows].transpose(1, 2), scaling)
            if added is not None:
                scores.view(-1, shape[1], *scores.shape[1:]).add_(added[number])
            wide = torch.promote_types(scores.dtype, torch.float32)
            weights = scores.softmax(dim=-1, dtype=wide).to(scores.dtype)
            mask = drawn_mask(weights, kept)
            _product(masked(weights, mask), value[rows], over_kept, attended[rows])
            tables += [weights, mask]
        ctx.save_for_backward(query, key, value, *tables)
        ctx.scaling, ctx.over_kept, ctx.cuts = scaling, over_kept, cuts
        return attended.view(shape)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, *tables = ctx.saved_tensors
        given = gradient.reshape(value.shape)
        gradients = [torch.empty_like(states) for states in (query, key, value)]
        for rows, weights, mask in zip(ctx.cuts, tables[::2], tables[1::2], strict=True):
            of_query, of_key, of_value = (states[rows] for states in gradients)
            _product(masked(weights, mask).transpose(1, 2), given[rows], ctx.over_kept, of_value)
            of_weights = masked(_product(given[rows], value[rows].transpose(1, 2), ctx.over_kept), mask)
            of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)  # noqa: SLF001 - no other
            _product(of_scores, key[rows], ctx.scaling, of_query)
            _product(of_scores.transpose(1, 2), query[rows], ctx.scaling, of_key)
        return *(states.view(gradient.shape) for states in gradients), None, None, None


def _product(left: Tensor, right: Tensor, factor: float, out: Tensor | None = None) -> Tensor:
    """``factor x left x right``, ``[N, n, k]`` and ``[N, k, m]``."""
    out = left.new_empty(len(left), left.shape[1], right.shape[2]) if out is None else out
    return torch.baddbmm(out, left, right, beta=0, alpha=factor, out=out)


def _cuts(whole: int, together: int) -> list[slice]:
    return [slice(start, start + together) for start in range(0, whole, together)]
