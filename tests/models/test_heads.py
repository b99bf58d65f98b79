"""Heads and trunk: exactly the layers that were asked for, and no setting without an effect."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from polarity.errors import UserError
from polarity.models import Head
from polarity.models.trunk import Trunk
from tests.tiny import tiny_batch, tiny_classifier

HEADS = [
    Head(),
    Head(layers=2),
    Head(layers=3, width=7, dropout=0.2),
    Head(layers=4, width=5, dropout=0.1, residual=True),
    Head(trunk_width=9, trunk_dropout=0.3),
    Head(layers=3, width=9, trunk_width=9, trunk_dropout=0.0, residual=True),
]
every_head = pytest.mark.parametrize("head", HEADS)
FULL = {"layers": 4, "width": 5, "dropout": 0.2, "residual": True, "trunk_width": 9, "trunk_dropout": 0.2}


def linears(module: nn.Module) -> list[nn.Linear]:
    return [part for part in module.modules() if isinstance(part, nn.Linear)]


@pytest.mark.parametrize("layers", range(1, 6))
def test_layers_is_the_number_of_linear_layers(layers: int) -> None:
    head = Head(layers=layers, width=7 if layers > 1 else None).build(16, classes=3)
    result = linears(head)
    assert len(result) == layers
    assert [layer.in_features for layer in result] == [16, *[7] * (layers - 1)]
    assert [layer.out_features for layer in result] == [*[7] * (layers - 1), 3]


def test_a_head_of_three_layers_is_its_formula() -> None:
    head, x = Head(layers=3, width=7).build(16, classes=3), torch.randn(2, 16)
    first, second, last = linears(head)
    torch.testing.assert_close(head(x), last(F.gelu(second(F.gelu(first(x))))))


def test_residual_adds_each_hidden_layer_but_the_first_to_its_input() -> None:
    head, x = Head(layers=4, width=7, residual=True).build(7, classes=3), torch.randn(2, 7)
    first, second, third, last = linears(head)
    hidden = F.gelu(first(x))
    hidden = hidden + F.gelu(second(hidden))
    hidden = hidden + F.gelu(third(hidden))
    torch.testing.assert_close(head(x), last(hidden))


def test_width_null_is_the_width_of_the_input() -> None:
    assert [layer.out_features for layer in linears(Head(layers=3).build(16, classes=3))] == [16, 16, 3]
    behind_trunk = Head(layers=2, trunk_width=9, trunk_dropout=0.0)
    assert [layer.in_features for layer in linears(behind_trunk.build(16, classes=3))] == [9, 9]


def test_trunk_is_its_formula() -> None:
    trunk, x = Head(trunk_width=9, trunk_dropout=0.3).build_trunk(16).eval(), torch.randn(4, 16)
    assert isinstance(trunk, Trunk)
    expected = F.layer_norm(F.gelu(trunk.linear(x)), (9,))
    torch.testing.assert_close(trunk(x), expected)
    dropped = trunk.train()(x)
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], expected[kept] / 0.7)
    assert isinstance(Head().build_trunk(16), nn.Identity)


@every_head
def test_the_trunk_is_shared_and_the_heads_are_not(head: Head) -> None:
    model = tiny_classifier(head=head)
    assert len(linears(model.trunk)) == (head.trunk_width is not None)
    first, second = (model.heads[task.name] for task in model.tasks)
    assert not set(first.parameters()) & set(second.parameters())
    assert [len(linears(part)) for part in (first, second)] == [head.layers, head.layers]
    assert [len(logits[0]) for logits in model(**tiny_batch())] == [3, 4]


def rate(head: Head) -> float:
    """Share of zeros that dropout makes in front of the last layer."""
    seen: list[Tensor] = []
    built = head.build(50, classes=3)
    built.out.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    built(torch.ones(100, 50))
    return float((seen[0] == 0).float().mean())


def test_dropout_stands_in_front_of_the_last_layer() -> None:
    assert rate(Head(layers=2, dropout=0.3)) == pytest.approx(0.3, abs=0.03)
    assert rate(Head(layers=2)) == 0


@pytest.mark.parametrize("setting", FULL)
def test_every_setting_has_an_effect(setting: str) -> None:
    without: dict[str, Any] = {"layers": 3, "width": None, "dropout": 0.0, "residual": False}
    without |= {"trunk_width": 8, "trunk_dropout": 0.0}

    def logits(settings: dict[str, Any]) -> Tensor:
        torch.manual_seed(1)
        return tiny_classifier(dropout=0.0, hidden_dropout_prob=0.0, head=Head(**settings))(**tiny_batch())[0]

    assert torch.equal(logits(FULL), logits(FULL))
    assert not torch.equal(logits(FULL), logits(FULL | {setting: without[setting]}))


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        ({"width": 8}, ["width"]),
        ({"dropout": 0.1}, ["dropout"]),
        ({"residual": True}, ["residual"]),
        ({"layers": 2, "residual": True}, ["residual"]),
        ({"trunk_dropout": 0.1}, ["trunk_dropout"]),
        ({"trunk_width": 8}, ["trunk_dropout"]),
        ({"width": 8, "dropout": 0.1, "residual": True, "trunk_dropout": 0.1}, [*"wdrt"]),
    ],
)
def test_a_setting_without_an_effect_is_refused(settings: dict[str, Any], keys: list[str]) -> None:
    with pytest.raises(UserError) as error:
        Head(**settings)
    assert len(error.value.problems) == len(keys)
    assert all(problem.startswith(key) for problem, key in zip(error.value.problems, keys, strict=True))


@every_head
def test_representation_and_settings_rebuild_the_head(head: Head) -> None:
    assert repr(Head(**head.settings)) == repr(head)  # type: ignore[arg-type]
    assert repr(head).startswith("Head(layers=")
    assert head.problems(()) == []
