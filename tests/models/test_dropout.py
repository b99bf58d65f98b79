"""Dropout with cheap masks is dropout: the same distribution, from torch's generator, in every encoder."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from polarity.models.dropout import BITS, Dropout, dropout
from tests.models.test_unpadded import classifier

TYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
SIZE = (3, 701, 501)


@pytest.mark.parametrize("values", TYPES)
@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5, 0.9])
def test_it_drops_at_its_rate_and_keeps_the_mean(values: torch.dtype, rate: float) -> None:
    torch.manual_seed(0)
    given = torch.full(SIZE, -3.0, dtype=values, requires_grad=True)
    result = dropout(given, rate)
    kept = result != 0
    assert abs(kept.double().mean().item() - (1 - rate)) < 5 * math.sqrt(rate * (1 - rate) / kept.numel()) + 2**-BITS
    expected = (-3.0 / torch.tensor(1 - rate, dtype=values)).expand_as(result)[kept]
    torch.testing.assert_close(result[kept], expected, rtol=1e-2 if values.itemsize == 2 else 1e-3, atol=0)
    result.sum().backward()
    assert given.grad is not None
    assert torch.equal(given.grad != 0, kept)
    torch.testing.assert_close(given.grad[kept] * -3, result.detach()[kept])


def test_elements_are_dropped_independently() -> None:
    """Neighbours share a random number of 64 bits, of which each has bits of its own."""
    torch.manual_seed(0)
    kept = (dropout(torch.ones(100_000, 4), 0.5) != 0).double()
    correlation = torch.corrcoef(torch.cat([kept, kept.roll(1, dims=0)], dim=1).T)
    assert (correlation - torch.eye(8)).abs().max() < 5 / math.sqrt(100_000)


def test_rates_at_the_ends() -> None:
    given = torch.tensor([[1.0, math.inf, math.nan]])
    assert torch.equal(dropout(given, 1.0), torch.zeros(1, 3))
    torch.testing.assert_close(dropout(given, 0.0), given, equal_nan=True)
    assert torch.equal(dropout(torch.ones(999), 1e-9), torch.ones(999))
    assert dropout(torch.ones(0, 3), 0.5).shape == (0, 3)
    assert dropout(torch.tensor(2.0), 0.5).shape == ()


def test_the_generator_of_torch_decides() -> None:
    """So that a resumed run drops what an undisturbed one does, and a checkpointed layer the same twice."""
    state = torch.get_rng_state()
    first, second = dropout(torch.ones(9, 7), 0.5), dropout(torch.ones(9, 7), 0.5)
    assert not torch.equal(first, second)
    torch.set_rng_state(state)
    assert torch.equal(dropout(torch.ones(9, 7), 0.5), first)
    given = torch.ones(9, 7, requires_grad=True)
    again = checkpoint(lambda values: dropout(values, 0.5).square(), given, use_reentrant=False)
    assert isinstance(again, torch.Tensor)
    again.sum().backward()
    assert given.grad is not None
    assert torch.equal(given.grad, 2 * again.detach())


def test_it_is_off_where_torch_has_it_off() -> None:
    layer, given = Dropout(0.5).eval(), torch.ones(5, 5)
    assert torch.equal(layer(given), given)
    assert torch.equal(dropout(given, 0.5, training=False), F.dropout(given, 0.5, training=False))


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta", "modernbert", "deberta-v2", "electra"])
def test_encoders_have_no_other(family: str) -> None:
    _, encoder = classifier(family)
    kinds = {type(module) for module in encoder.backbone.modules() if isinstance(module, nn.Dropout)}
    assert kinds <= {Dropout}
