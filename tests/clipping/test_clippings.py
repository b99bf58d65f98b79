"""Properties of every clipping: bounds, directions, honest norms."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from polarity.clipping import Clipping, NoClipping, NormClipping, PerTaskClipping
from polarity.tasks import Task
from tests.presets import shipped

TASKS = (Task("tone", ("a", "b"), "tone"), Task("topic", ("1", "2", "3"), "topic"))
R7 = PerTaskClipping(shared=0.5, heads={"tone": 1.0, "topic": 0.5})
CLIPPINGS = [NoClipping(), NormClipping(max_norm=0.5), PerTaskClipping(shared=0.3, heads=0.2), R7]
every_clipping = pytest.mark.parametrize("clipping", [*shipped("clipping"), *CLIPPINGS[1:]])


class Classifier(nn.Module):
    """The attributes that clipping reads of a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(6, 5)
        self.trunk = nn.Linear(5, 4)
        self.heads = nn.ModuleDict({task.name: nn.Linear(4, len(task.classes)) for task in TASKS})


def with_gradients(scale: float) -> Classifier:
    model = Classifier()
    for parameter in model.parameters():
        parameter.grad = scale * torch.randn_like(parameter)
    return model


def parts(clipping: Clipping, model: Classifier) -> Iterator[tuple[str, list[Tensor], float]]:
    """Name, gradients and bound of each part that a clipping treats on its own."""
    shared = [*model.encoder.parameters(), *model.trunk.parameters()]
    if isinstance(clipping, PerTaskClipping):
        limits = clipping.heads if isinstance(clipping.heads, dict) else dict.fromkeys(model.heads, clipping.heads)
        yield "shared", [parameter.grad for parameter in shared], clipping.shared
        for task, head in model.heads.items():
            yield f"head.{task}", [parameter.grad for parameter in head.parameters()], limits[task]
    else:
        limit = clipping.max_norm if isinstance(clipping, NormClipping) else math.inf
        yield "total", [parameter.grad for parameter in model.parameters()], limit


def flat(gradients: list[Tensor]) -> Tensor:
    return torch.cat([gradient.flatten() for gradient in gradients]).clone()


@pytest.mark.parametrize("clipping", CLIPPINGS)
@pytest.mark.parametrize("scale", [1e-3, 0.1, 1.0, 1e3])
def test_norms_are_bounded_directions_kept_and_what_was_before_is_reported(clipping: Clipping, scale: float) -> None:
    model = with_gradients(scale)
    before = {name: flat(gradients) for name, gradients, _ in parts(clipping, model)}
    norms = clipping.clip(model)
    assert list(norms) == list(before)
    for name, gradients, limit in parts(clipping, model):
        norm = before[name].norm()
        torch.testing.assert_close(norms[name], norm)
        factor = min(1.0, limit / float(norm))
        torch.testing.assert_close(flat(gradients), before[name] * factor, rtol=1e-4, atol=0)


@every_clipping
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_norm_that_is_not_finite_is_not_hidden(clipping: Clipping, value: float) -> None:
    model = with_gradients(1.0)
    assert model.encoder.weight.grad is not None
    model.encoder.weight.grad[0, 0] = value
    norms = clipping.clip(model)
    assert not next(iter(norms.values())).isfinite()


@every_clipping
def test_parameters_without_gradients_are_passed_over(clipping: Clipping) -> None:
    model = with_gradients(1.0)
    model.encoder.requires_grad_(False)
    model.encoder.weight.grad = model.encoder.bias.grad = None
    assert all(norm.isfinite() for norm in clipping.clip(model).values())
    for parameter in model.parameters():
        parameter.grad = None
    assert not any(clipping.clip(model).values())


@every_clipping
def test_norms_stay_tensors_so_that_nothing_waits_for_them(clipping: Clipping) -> None:
    norms = clipping.clip(with_gradients(1.0)).values()
    assert all(isinstance(norm, Tensor) and norm.dim() == 0 and not norm.requires_grad for norm in norms)


def test_none_changes_nothing() -> None:
    model = with_gradients(1e3)
    before = flat([parameter.grad for parameter in model.parameters()])
    NoClipping().clip(model)
    assert torch.equal(flat([parameter.grad for parameter in model.parameters()]), before)


def test_a_large_gradient_of_one_task_does_not_shrink_the_step_of_another() -> None:
    model = with_gradients(0.01)
    for parameter in model.heads["tone"].parameters():
        parameter.grad = torch.full_like(parameter, 1e3)
    topic = [parameter.grad for parameter in model.heads["topic"].parameters()]
    before = flat(topic)
    R7.clip(model)
    assert torch.equal(flat(topic), before)


def test_every_setting_has_an_effect_and_is_printed() -> None:
    def outcome(clipping: Clipping) -> list[float]:
        torch.manual_seed(0)
        model = with_gradients(1.0)
        clipping.clip(model)
        return flat([parameter.grad for parameter in model.parameters()]).tolist()

    variants = [
        NormClipping(max_norm=1.0),
        NormClipping(max_norm=0.5),
        PerTaskClipping(shared=1.0, heads=1.0),
        PerTaskClipping(shared=0.5, heads=1.0),
        PerTaskClipping(shared=1.0, heads=0.5),
        PerTaskClipping(shared=1.0, heads={"tone": 1.0, "topic": 0.5}),
    ]
    assert len({tuple(outcome(clipping)) for clipping in variants}) == len(variants)
    assert repr(R7) == "PerTaskClipping(shared=0.5, heads={'tone': 1.0, 'topic': 0.5})"
    assert repr(NoClipping()) == "NoClipping()"


def test_heads_that_are_no_task_or_are_left_out_are_problems() -> None:
    problems = PerTaskClipping(heads={"tone": 1.0, "topics": 1.0}).problems(TASKS)
    assert [problem.partition(":")[0] for problem in problems] == ["heads.topics", "heads"]
    assert "'topic'" in problems[1]
    assert all(clipping.problems(TASKS) == [] for clipping in CLIPPINGS)
