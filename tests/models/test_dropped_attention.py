"""Attention with dropout, a few rows at a time, is attention with dropout: values, gradients, masks and memory."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from polarity.models.dropout import dropout
from polarity.models.huggingface import dropped_attention as room
from polarity.models.huggingface.dropped_attention import dropped_attention, drops_here

ROWS, HEADS, TOKENS, SIZE = 7, 3, 10, 4
NONE_DROPPED = 1e-9
"""A rate that keeps all: results are those of torch's own attention then."""

ALLOWED: dict[str, Callable[[], Tensor | None]] = {
    "all": lambda: None,
    "padding": lambda: (torch.arange(TOKENS) < torch.arange(1, ROWS + 1)[:, None])[:, None, None],
    "window": lambda: ((torch.arange(TOKENS) - torch.arange(TOKENS)[:, None]).abs() < 3)[None, None],
    "by head": lambda: torch.arange(TOKENS) < torch.arange(1, HEADS + 1)[None, :, None, None],
    "added": lambda: torch.zeros(ROWS, 1, TOKENS, TOKENS).masked_fill(
        (torch.arange(TOKENS) >= torch.arange(1, ROWS + 1)[:, None])[:, None, None], torch.finfo(torch.float32).min
    ),
}


def states(precision: torch.dtype = torch.float64) -> list[Tensor]:
    """Queries, keys and values as a model gives them: heads beside each other in memory."""
    torch.manual_seed(0)
    given = torch.randn(3, ROWS, TOKENS, HEADS, SIZE, dtype=torch.float64).to(precision).requires_grad_()
    return [part.transpose(1, 2) for part in given]


@pytest.mark.parametrize("name", ALLOWED)
@pytest.mark.parametrize("table", [1, 2 * HEADS * TOKENS**2, 2**20], ids=["a row", "two rows", "all rows"])
def test_without_dropout_it_is_that_of_torch(name: str, table: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "TABLE", table)
    allowed = ALLOWED[name]()
    ours = dropped_attention(*states(), allowed, 0.3, NONE_DROPPED)
    mask = allowed if allowed is None or allowed.dtype == torch.bool else allowed.double()
    theirs = F.scaled_dot_product_attention(*states(), mask, scale=0.3)
    torch.testing.assert_close(ours, theirs)
    gradients = [
        torch.autograd.grad(attended(given).square().sum(), given)
        for attended, given in (
            (lambda given: dropped_attention(*given, allowed, 0.3, NONE_DROPPED), states()),
            (lambda given: F.scaled_dot_product_attention(*given, mask, scale=0.3), states()),
        )
    ]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("rate", [0.1, 0.5])
@pytest.mark.parametrize("table", [1, 2**20])
def test_gradients_are_those_of_what_was_computed(rate: float, table: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "TABLE", table)

    def attended(*given: Tensor) -> Tensor:
        torch.manual_seed(1)  # the same masks each time
        return dropped_attention(*given, ALLOWED["padding"](), 0.5, rate)

    assert torch.autograd.gradcheck(attended, states(), fast_mode=True)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_weights_drop_out_at_the_rate(precision: torch.dtype, rate: float) -> None:
    torch.manual_seed(0)
    query, key = (torch.randn(64, 2, 50, 8, dtype=precision) for _ in range(2))
    value = torch.eye(50, dtype=precision).expand(64, 2, 50, 50)  # what is mixed is the weights themselves
    weights = (query @ key.transpose(2, 3)).softmax(dim=-1)
    dropped = dropped_attention(query, key, value, None, 1.0, rate)
    kept = dropped[weights > 0] != 0
    assert abs(kept.double().mean().item() - (1 - rate)) < 5 * math.sqrt(rate * (1 - rate) / kept.numel()) + 2**-15
    shown = dropped != 0
    tolerance = 0.03 if precision == torch.bfloat16 else 1e-3
    torch.testing.assert_close(dropped[shown], weights[shown] / (1 - rate), rtol=tolerance, atol=1e-6)


@pytest.mark.parametrize("rate", [NONE_DROPPED, 0.1])
def test_under_autocast_it_is_as_near_as_the_plain_way(rate: float) -> None:
    """Gradients in bfloat16 against those in float64, of it and of softmax in 32 bits with dropout after it."""

    def plain(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return dropout((query @ key.transpose(2, 3) * SIZE**-0.5).softmax(dim=-1), rate) @ value

    def ours(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return dropped_attention(query, key, value, None, SIZE**-0.5, rate)

    def gradients(attended: Callable[..., Tensor], precision: torch.dtype, *, autocast: bool) -> Tensor:
        given = [part.detach().requires_grad_() for part in states(precision)]
        torch.manual_seed(1)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            made = attended(*given)
        return torch.stack(torch.autograd.grad(made.float().square().sum(), given)).double()

    exact = gradients(plain, torch.float64, autocast=False)
    errors = {
        attended: (gradients(attended, torch.float32, autocast=True) - exact).norm() / exact.norm()
        for attended in (plain, ours)
    }
    assert errors[ours] < 1.5 * errors[plain]
    assert errors[ours] < 0.01


def test_it_keeps_less_than_the_plain_way() -> None:
    def kept(attended: Callable[[], Tensor]) -> int:
        seen: dict[int, int] = {}

        def pack(tensor: Tensor) -> Tensor:
            seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            result = attended()
        del result
        return sum(seen.values())

    query, key, value = (torch.randn(4, 2, 64, 8, requires_grad=True) for _ in range(3))
    plain = kept(lambda: dropout((query @ key.transpose(2, 3) * 0.3).softmax(dim=-1), 0.1) @ value)
    assert kept(lambda: dropped_attention(query, key, value, None, 0.3, 0.1)) < 0.75 * plain


def test_where_it_is_used() -> None:
    given = torch.zeros(1, 1, 2, 2)
    assert drops_here(given, None, 0.1, training=True)
    assert not drops_here(given, None, 0.1, training=False)
    assert not drops_here(given, None, 0.0, training=True)
    assert not drops_here(given, None, 1.0, training=True)
    assert not drops_here(given, given.clone().requires_grad_(), 0.1, training=True)
    assert not drops_here(given.to("meta"), None, 0.1, training=True)
