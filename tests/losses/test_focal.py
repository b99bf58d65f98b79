"""Focal loss against its paper's formula and against cross-entropy."""

import pytest
import torch
from torch.nn import functional as F

from polarity.component import Progress
from polarity.losses import CrossEntropyLoss, FocalLoss
from polarity.tasks import IGNORE_INDEX, Task
from tests.running import composed

TASKS = (Task("a", ("x", "y", "z"), "a"), Task("b", ("p", "q"), "b"))
COUNTS = ([70, 20, 10], [80, 20])


def bound(loss: CrossEntropyLoss | FocalLoss) -> CrossEntropyLoss | FocalLoss:
    loss.bind(TASKS, COUNTS)
    return loss


def some_rows() -> tuple[list[torch.Tensor], torch.Tensor]:
    labels = torch.stack([torch.arange(12) % 3, torch.arange(12) % 2], dim=1)
    labels[3, 0] = labels[5, 1] = IGNORE_INDEX
    return [5 * torch.randn(12, 3), 5 * torch.randn(12, 2)], labels


@pytest.mark.parametrize("reduction", ["weighted_mean", "mean"])
@pytest.mark.parametrize("class_weights", [None, "balanced"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, {"a": 0.10, "b": 0.08}])
def test_gamma_zero_is_weighted_cross_entropy(
    smoothing: float | dict[str, float], class_weights: str | None, reduction: str
) -> None:
    settings = {"smoothing": smoothing, "class_weights": class_weights, "clip": None, "reduction": reduction}
    focal, ce = bound(FocalLoss(gamma=0.0, **settings)), bound(CrossEntropyLoss(**settings))
    (first, labels), gradients = some_rows(), []
    for loss in (focal, ce):
        leaves = [logits.clone().requires_grad_() for logits in first]
        loss(leaves, labels).sum().backward()
        gradients.append([leaf.grad for leaf in leaves])
    torch.testing.assert_close(focal(first, labels), ce(first, labels))
    torch.testing.assert_close(gradients[0], gradients[1])


def test_the_formula_of_the_paper() -> None:
    loss = bound(FocalLoss(gamma={"a": 2.5, "b": 3.5}, class_weights="balanced", reduction="mean"))
    logits, labels = some_rows()
    for number, gamma in enumerate((2.5, 3.5)):
        rows = [(row, label) for row, label in zip(logits[number], labels[:, number], strict=True) if label >= 0]
        expected = [
            -loss.weights[number][label] * (1 - row.softmax(0)[label]) ** gamma * row.softmax(0)[label].log()
            for row, label in rows
        ]
        torch.testing.assert_close(loss(logits, labels)[number], torch.stack(expected).mean())


def test_with_smoothing_every_class_has_its_own_focal_factor() -> None:
    loss = bound(FocalLoss(gamma=2.0, smoothing=0.3, class_weights="balanced"))
    logits, target = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    p, wanted = logits.softmax(1), 0.7 * F.one_hot(target, 3) + 0.1
    expected = -(loss.weights[0] * wanted * (1 - p) ** 2 * p.log()).sum(1)
    torch.testing.assert_close(loss.row_losses(0, logits, target, loss.weights[0], Progress()), expected)


def test_a_row_that_is_right_fades_and_a_wrong_one_stays() -> None:
    loss = bound(FocalLoss(gamma=2.0, class_weights=None, clip=None))
    right, wrong = torch.tensor([[5.0, 0.0, 0.0]]), torch.tensor([[0.0, 5.0, 0.0]])
    target = torch.tensor([0])
    given = (target, loss.weights[0], Progress())
    share = [float(loss.row_losses(0, row, *given) / F.cross_entropy(row, target)) for row in (right, wrong)]
    assert share[0] < 0.001
    assert share[1] > 0.97


@pytest.mark.parametrize("gamma", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("margin", [10.0, 16.0, 17.0, 18.0, 30.0, 1e4])
def test_gamma_below_one_has_the_vanishing_gradient_of_a_right_row(gamma: float, margin: float) -> None:
    # (1 - p)^gamma alone has an infinite derivative at p = 1
    logits = torch.tensor([[margin, 0.0, 0.0]], requires_grad=True)
    loss = bound(FocalLoss(gamma=gamma))
    loss.row_losses(0, logits, torch.tensor([0]), loss.weights[0], Progress()).sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert logits.grad.abs().max() < 2e-4


def test_gamma_that_leaves_out_a_task_or_names_another_is_a_problem() -> None:
    problems = FocalLoss(gamma={"a": 2.0, "c": 1.0}).problems(TASKS)
    assert [problem.partition(":")[0] for problem in problems] == ["gamma.c", "gamma"]
    assert "'b'" in problems[1]


def test_the_defaults_are_those_of_the_preset() -> None:
    preset = composed("loss=focal")["loss"]
    del preset["_target_"]
    assert FocalLoss().settings == FocalLoss(**preset).settings
