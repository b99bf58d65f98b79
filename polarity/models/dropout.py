"""Dropout whose masks cost little on a CPU, where drawing torch's takes longer than many a layer under bfloat16."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BITS = 15
"""Of the random number of an element, which is kept if it is small enough; so rates are rounded to 1/32,768."""

KEPT = 2**BITS
"""Cases out of which a rate keeps a whole number."""

SAME_SIZE = {
    torch.float64: torch.int64,
    torch.float32: torch.int32,
    torch.bfloat16: torch.int16,
    torch.float16: torch.int16,
}


def dropout(values: Tensor, rate: float, training: bool = True) -> Tensor:  # noqa: FBT001, FBT002 - as torch has it
    """Each element is 0 with this probability, and divided by the probability that it is not otherwise.

    As :func:`torch.nn.functional.dropout` in distribution, up to the rounding of the rate, which the divisor shares;
    not in the numbers that are drawn, though they come from torch's generator as well. On other devices than a CPU, and
    where the pass is compiled or exported, it is that function.

    Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, JMLR 2014.

    :param rate: from 0 to 1.
    """
    if not training or rate == 0 or values.device.type != "cpu" or torch.compiler.is_compiling():
        return F.dropout(values, rate, training)
    dropped: Tensor = _Dropped.apply(values, round((1 - rate) * KEPT))  # type: ignore[no-untyped-call]
    return dropped


class _Dropped(torch.autograd.Function):
    """Random numbers of 64 bits serve four elements each; bits are cleared by a mask, which processors do at once."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, kept: int) -> Tensor:
        mask = drawn_mask(values, kept)
        ctx.save_for_backward(mask)
        ctx.scale = KEPT / max(kept, 1)
        return masked(values, mask).mul_(ctx.scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (mask,) = ctx.saved_tensors
        return masked(gradients[0], mask).mul_(ctx.scale), None


def drawn_mask(values: Tensor, kept: int) -> Tensor:
    """For each element 16 bits, all of them 1 in ``kept`` of :data:`KEPT` cases, all of them 0 otherwise."""
    drawn = torch.empty(-(-values.numel() // 4), dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
    below = drawn[: values.numel()].view(values.shape).bitwise_and_(KEPT - 1)
    # All bits of a negative difference after the shift, none of another one.
    return (below.sub_(kept) if kept < KEPT else below.fill_(-1)).bitwise_right_shift_(BITS)


def masked(values: Tensor, mask: Tensor) -> Tensor:
    """Zeros where a mask of :func:`drawn_mask` has them."""
    bits = SAME_SIZE[values.dtype]
    return (values.view(bits) & mask.to(bits)).view(values.dtype)


class Dropout(nn.Dropout):
    """A layer of :func:`dropout`."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the signature of torch
        return dropout(input, self.p, self.training)


def use_cheap_dropout(model: nn.Module) -> None:
    """Put :class:`Dropout` where a model of others has torch's own."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, Dropout(child.p))
