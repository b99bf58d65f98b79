"""Properties of every loss: masking, normalisation over the window, weights, names."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from polarity.component import Progress
from polarity.errors import UserError
from polarity.losses import CrossEntropyLoss, FocalLoss, MultiTaskLoss
from polarity.signature import signature_of
from polarity.tasks import IGNORE_INDEX, Task
from tests.presets import components_of

TASKS = (Task("tone", ("none", "yes", "no"), "tone"), Task("topic", ("1", "2", "3", "4"), "topic"))
COUNTS = ([50, 20, 5], [40, 30, 20, 10])
WEIGHTS = {"class_weights": "balanced", "multipliers": {"tone": {"yes": 2.0}}, "clip": [0.1, 5.0]}


def bound(loss: MultiTaskLoss) -> MultiTaskLoss:
    loss.bind(TASKS, COUNTS)
    return loss


KINDS: list[Any] = components_of("loss")
LOSSES = [
    bound(loss)
    for reduction in ("weighted_mean", "mean")
    for loss in (
        *(kind(reduction=reduction) for kind in KINDS),
        *(kind(**WEIGHTS, smoothing={"tone": 0.1, "topic": 0.0}, reduction=reduction) for kind in KINDS),
        FocalLoss(gamma=0.0, **WEIGHTS, smoothing={"tone": 0.1, "topic": 0.0}, reduction=reduction),
        FocalLoss(gamma=0.5, class_weights="effective", effective_beta=0.9, reduction=reduction),
        FocalLoss(gamma={"tone": 2.5, "topic": 3.5}, **WEIGHTS, smoothing=0.1, reduction=reduction),
    )
]
every_loss = pytest.mark.parametrize("loss", LOSSES)


def some_rows(rows: int, seed: int = 0, labelled: float = 0.7) -> tuple[list[Tensor], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = [3 * torch.randn(rows, len(task.classes), generator=generator) for task in TASKS]
    labels = torch.stack([torch.randint(len(task.classes), (rows,), generator=generator) for task in TASKS], dim=1)
    return logits, labels.where(torch.rand(rows, len(TASKS), generator=generator) < labelled, IGNORE_INDEX)


def counts_of(labels: Tensor) -> list[Tensor]:
    return [
        torch.stack([(labels[:, number] == index).sum() for index in range(len(task.classes))]).float()
        for number, task in enumerate(TASKS)
    ]


def with_gradients(function: Callable[[list[Tensor]], Tensor], logits: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    leaves = [task_logits.clone().requires_grad_() for task_logits in logits]
    losses = function(leaves)
    losses.sum().backward()
    return losses.detach(), [leaf.grad for leaf in leaves if leaf.grad is not None]


@every_loss
def test_one_float32_loss_per_task(loss: MultiTaskLoss) -> None:
    logits, labels = some_rows(9)
    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        losses = loss([task_logits.to(dtype) for task_logits in logits], labels)
        assert losses.shape == (2,)
        assert losses.dtype == torch.float32


@every_loss
def test_autocast_changes_nothing(loss: MultiTaskLoss) -> None:
    logits, labels = some_rows(9)
    with torch.autocast("cpu", torch.bfloat16):
        under_autocast = loss(logits, labels, counts_of(labels))
    assert torch.equal(under_autocast, loss(logits, labels, counts_of(labels)))


def turned(logits: Tensor) -> Tensor:
    size = logits.shape[1]
    return logits @ torch.linalg.qr(torch.arange(1.0, 1 + size**2).view(size, size).sin()).Q


class Rotated(CrossEntropyLoss):
    """A loss with a product of matrices, which autocast would round."""

    def row_losses(self, task_number: int, logits: Tensor, *more: Any) -> Tensor:
        return super().row_losses(task_number, turned(logits), *more)


def test_autocast_changes_nothing_where_matrices_are_multiplied() -> None:
    logits, labels = some_rows(9)
    expected = bound(CrossEntropyLoss())([turned(values) for values in logits], labels)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(bound(Rotated())(logits, labels), expected)


@every_loss
@settings(max_examples=15, derandomize=True, deadline=None)
@given(seed=st.integers(0, 999), sizes=st.lists(st.integers(1, 7), min_size=1, max_size=4))
def test_accumulated_micro_batches_are_one_big_batch(loss: MultiTaskLoss, seed: int, sizes: list[int]) -> None:
    logits, labels = some_rows(sum(sizes), seed, labelled=0.5)
    window = counts_of(labels)

    def in_pieces(leaves: list[Tensor]) -> Tensor:
        pieces = zip(*(leaf.split(sizes) for leaf in leaves), strict=True)
        return torch.stack(
            [loss(piece, rows, window) for piece, rows in zip(pieces, labels.split(sizes), strict=True)]
        ).sum(0)

    whole, whole_gradients = with_gradients(lambda leaves: loss(leaves, labels), logits)
    summed, summed_gradients = with_gradients(in_pieces, logits)
    torch.testing.assert_close(summed, whole)
    torch.testing.assert_close(summed_gradients, whole_gradients)


@every_loss
def test_rows_without_a_label_change_nothing(loss: MultiTaskLoss) -> None:
    logits, labels = some_rows(12)
    alone, together = [], []
    for number in range(len(TASKS)):
        labelled = labels[:, number] != IGNORE_INDEX
        only = [task_logits[labelled] for task_logits in logits]
        alone.append(loss(only, labels[labelled])[number])
        together.append(loss(logits, labels)[number])
    torch.testing.assert_close(together, alone)


@every_loss
@pytest.mark.parametrize("value", [0.0, 1e4, float("nan")])
def test_rows_without_a_label_have_no_gradient_whatever_their_logits(loss: MultiTaskLoss, value: float) -> None:
    logits, labels = some_rows(12)
    missing = [labels[:, number] == IGNORE_INDEX for number in range(len(TASKS))]
    assert all(rows.any() for rows in missing)
    spoilt = [task_logits.where(~rows[:, None], value) for task_logits, rows in zip(logits, missing, strict=True)]
    losses, gradients = with_gradients(lambda leaves: loss(leaves, labels), spoilt)
    expected, expected_gradients = with_gradients(lambda leaves: loss(leaves, labels), logits)
    assert torch.equal(losses, expected)
    for gradient, expected_gradient, rows in zip(gradients, expected_gradients, missing, strict=True):
        assert torch.equal(gradient, expected_gradient)
        assert not gradient[rows].any()


@every_loss
@pytest.mark.parametrize("window", ["own", "of others", "empty"])
@pytest.mark.parametrize("rows", [0, 5])
def test_a_batch_without_labels_costs_nothing_and_has_zero_gradients(
    loss: MultiTaskLoss, window: str, rows: int
) -> None:
    logits, labels = some_rows(rows)
    others = [torch.ones(len(task.classes)) * (window == "of others") for task in TASKS]
    losses, gradients = with_gradients(
        lambda leaves: loss(leaves, torch.full_like(labels, IGNORE_INDEX), None if window == "own" else others), logits
    )
    assert losses.tolist() == [0, 0]
    assert len(gradients) == len(TASKS)
    assert not any(gradient.any() for gradient in gradients)


@every_loss
def test_a_task_without_labels_leaves_the_other_as_it_is(loss: MultiTaskLoss) -> None:
    logits, labels = some_rows(8)
    without = labels.clone()
    without[:, 0] = IGNORE_INDEX
    assert loss(logits, without).tolist() == [0, loss(logits, labels)[1].item()]


@every_loss
@settings(max_examples=15, derandomize=True, deadline=None)
@given(seed=st.integers(0, 999), low=st.floats(-1e4, 1e4, width=32), high=st.floats(-1e4, 1e4, width=32))
def test_gradients_are_finite_for_saturated_logits(loss: MultiTaskLoss, seed: int, low: float, high: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits, labels = some_rows(10, seed)
    extreme = [
        torch.where(torch.rand(task_logits.shape, generator=generator) < 0.5, low, high) for task_logits in logits
    ]
    for saturated in (extreme, [1e4 * task_logits.sign() for task_logits in logits]):
        losses, gradients = with_gradients(lambda leaves: loss(leaves, labels), saturated)
        assert losses.isfinite().all()
        assert (losses >= 0).all()
        assert all(gradient.isfinite().all() for gradient in gradients)


@every_loss
def test_the_order_of_rows_does_not_matter(loss: MultiTaskLoss) -> None:
    logits, labels = some_rows(11)
    order = torch.randperm(11)
    torch.testing.assert_close(
        loss([task_logits[order] for task_logits in logits], labels[order]), loss(logits, labels)
    )


@every_loss
def test_two_copies_of_all_rows_cost_the_mean_of_the_copies(loss: MultiTaskLoss) -> None:
    (first, labels), (second, _) = some_rows(7), some_rows(7, seed=1)
    both = [torch.cat(pair) for pair in zip(first, second, strict=True)]
    doubled = loss(both, labels.repeat(2, 1), [2 * counts for counts in counts_of(labels)])
    torch.testing.assert_close(doubled, (loss(first, labels) + loss(second, labels)) / 2)


@every_loss
def test_row_losses_have_the_gradient_of_their_formula(loss: MultiTaskLoss) -> None:
    for number, task in enumerate(TASKS):
        logits = torch.randn(5, len(task.classes), dtype=torch.float64, requires_grad=True)
        target = torch.arange(5) % len(task.classes)
        given = (target, loss.weights[number].double(), Progress())
        assert torch.autograd.gradcheck(lambda rows, n=number, given=given: loss.row_losses(n, rows, *given), (logits,))


@every_loss
def test_weights_are_buffers_that_checkpoints_do_not_hold(loss: MultiTaskLoss) -> None:
    on_meta = bound(type(loss)(**loss.settings)).to("meta")
    assert {tensor.device.type for tensor in (*on_meta.weights, on_meta.task_weights)} == {"meta"}
    assert not loss.state_dict()
    assert not list(loss.parameters())


def test_mean_divides_by_rows_and_weighted_mean_by_weights() -> None:
    logits, labels = some_rows(10, labelled=1.0)
    weighted, plain = (bound(CrossEntropyLoss(**WEIGHTS, reduction=name)) for name in ("weighted_mean", "mean"))
    of_rows = [weight[labels[:, number]].mean() for number, weight in enumerate(weighted.weights)]
    torch.testing.assert_close(plain(logits, labels), weighted(logits, labels) * torch.stack(of_rows))


def test_a_window_of_classes_that_weigh_nothing_costs_nothing() -> None:
    loss = bound(CrossEntropyLoss(multipliers={"tone": {"yes": 0.0}}, smoothing=0.1))
    logits, _ = some_rows(3)
    losses, gradients = with_gradients(lambda leaves: loss(leaves, torch.tensor([[1, 0]] * 3)), logits)
    assert losses[0] == 0
    assert losses[1] > 0
    assert not gradients[0].any()


def test_task_weights_go_by_name_and_default_to_one() -> None:
    assert bound(CrossEntropyLoss()).task_weights.tolist() == [1, 1]
    loss = bound(CrossEntropyLoss(task_weights={"topic": 3}))
    assert loss.task_weights.tolist() == [1, 3]
    assert loss.task_weights.dtype == torch.float32


# For every setting a change that must show, in the losses or in the weights.
BASE = {
    "gamma": 2.0,
    "smoothing": 0.0,
    "class_weights": "balanced",
    "multipliers": {},
    "clip": None,
    "effective_beta": None,
    "task_weights": {},
    "reduction": "weighted_mean",
}
CHANGES = {
    "gamma": {"gamma": {"tone": 2.0, "topic": 3.0}},
    "smoothing": {"smoothing": {"tone": 0.0, "topic": 0.1}},
    "class_weights": {"class_weights": None},
    "multipliers": {"multipliers": {"topic": {"3": 0.5}}},
    "clip": {"clip": [0.9, 1.1]},
    "effective_beta": {"class_weights": "effective", "effective_beta": 0.95},
    "task_weights": {"task_weights": {"tone": 0.5}},
    "reduction": {"reduction": "mean"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_has_an_effect_and_is_printed(kind: type[MultiTaskLoss]) -> None:
    def outcome(values: dict[str, object]) -> tuple[list[float], str]:
        loss = bound(kind(**{name: value for name, value in values.items() if name in names}))
        return (loss(*some_rows(20)) * loss.task_weights).tolist(), repr(loss)

    names = signature_of(kind).settings
    base, base_shown = outcome(BASE)
    other_beta = outcome({**BASE, "class_weights": "effective", "effective_beta": 0.5})
    for name in names:
        changed, shown = outcome({**BASE, **CHANGES[name]})
        assert changed != base, name
        assert shown != base_shown, name
        assert f"{name}=" in shown
        assert changed != other_beta[0]


@pytest.mark.parametrize("kind", KINDS)
def test_settings_that_do_not_fit_the_tasks_are_all_found(kind: type[MultiTaskLoss]) -> None:
    loss = kind(
        smoothing={"ton": 0.1, "topic": 0.1},
        class_weights="balanced",
        multipliers={"tone": {"nope": 1.0}, "tpic": {}},
        task_weights={"tones": 1.0},
    )
    keys = [problem.partition(":")[0] for problem in loss.problems(TASKS)]
    assert sorted(keys) == [
        "multipliers.tone.nope",
        "multipliers.tpic",
        "smoothing",
        "smoothing.ton",
        "task_weights.tones",
    ]
    with pytest.raises(UserError) as caught:
        bound(loss)
    assert list(caught.value.problems) == loss.problems(TASKS)
    assert kind().problems(TASKS) == []


def test_weight_zero_for_every_task_is_refused() -> None:
    assert CrossEntropyLoss(task_weights={"tone": 0.0, "topic": 0.0}).problems(TASKS)[0].startswith("task_weights: ")
    assert not CrossEntropyLoss(task_weights={"tone": 0.0}).problems(TASKS)


class HardestHalf(MultiTaskLoss):
    """A formula that looks across rows: those with the lower half of the losses cost nothing."""

    def row_losses(
        self, task_number: int, logits: Tensor, target: Tensor, weights: Tensor, progress: Progress
    ) -> Tensor:
        assert len(target)
        rows = torch.nn.functional.cross_entropy(logits, target, weights, reduction="none")
        return rows * (rows >= rows.median())


class OfAnotherShape(CrossEntropyLoss):
    def __init__(self, *, shape: str) -> None:
        super().__init__()
        self.shape = shape

    def row_losses(self, *given: Any) -> Tensor:
        rows = super().row_losses(*given)
        return {"mean": rows.mean(), "one": rows[:1], "column": rows[:, None]}[self.shape]


def test_a_formula_across_rows_never_sees_a_row_without_a_label() -> None:
    loss = bound(HardestHalf())
    logits, labels = some_rows(12)
    losses, gradients = with_gradients(lambda leaves: loss(leaves, labels), logits)
    for number in range(len(TASKS)):
        known = labels[:, number] != IGNORE_INDEX
        assert torch.allclose(losses[number], loss([each[known] for each in logits], labels[known])[number])
        assert torch.all(gradients[number][~known] == 0)
    nothing = torch.full_like(labels, IGNORE_INDEX)
    losses, gradients = with_gradients(lambda leaves: loss(leaves, nothing), logits)
    assert losses.tolist() == [0.0, 0.0]
    assert all(torch.all(each == 0) for each in gradients)


def test_another_formula_does_not_inherit_that_rows_stand_alone() -> None:
    assert CrossEntropyLoss.by_row
    assert FocalLoss.by_row
    assert not OfAnotherShape.by_row


@pytest.mark.parametrize("shape", ["mean", "one", "column"])
def test_losses_of_another_shape_than_the_rows_are_refused(shape: str) -> None:
    logits, labels = some_rows(8, labelled=1.1)
    with pytest.raises(ValueError, match=r"OfAnotherShape.row_losses has to give a loss for each row, \[8\]"):
        bound(OfAnotherShape(shape=shape))(logits, labels)


def test_a_setting_that_is_no_attribute_is_left_out_of_what_is_printed() -> None:
    class Forgetful(CrossEntropyLoss):
        def __init__(self, *, forgotten: float = 1.0) -> None:
            super().__init__()

    assert "forgotten" not in repr(Forgetful(forgotten=2.0))
