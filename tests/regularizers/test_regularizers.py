"""Properties of every regularizer: masking, normalisation over the window, agreement of copies and penalty."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from polarity.component import Progress
from polarity.regularizers import RDrop, Regularizer
from polarity.tasks import IGNORE_INDEX
from tests.presets import shipped

CLASSES = (3, 4)
NOW = Progress(9)  # after every warm-up
REGULARIZERS = [*shipped("regularizer"), RDrop(alpha=5.0, warmup_epochs=0)]
every_regularizer = pytest.mark.parametrize("regularizer", REGULARIZERS)


def some_rows(regularizer: Regularizer, rows: int, seed: int = 0, scale: float = 3.0) -> tuple[list[Tensor], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    copies = regularizer.copies(NOW)
    logits = [scale * torch.randn(copies, rows, classes, generator=generator) for classes in CLASSES]
    labels = torch.stack([torch.randint(classes, (rows,), generator=generator) for classes in CLASSES], dim=1)
    return logits, labels.where(torch.rand(rows, len(CLASSES), generator=generator) < 0.6, IGNORE_INDEX)


def rows_of(labels: Tensor) -> list[Tensor]:
    return list((labels != IGNORE_INDEX).sum(0).float())


@every_regularizer
@settings(max_examples=15, derandomize=True, deadline=None)
@given(seed=st.integers(0, 999), sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_accumulated_micro_batches_are_one_big_batch(regularizer: Regularizer, seed: int, sizes: list[int]) -> None:
    logits, labels = some_rows(regularizer, sum(sizes), seed)
    window = rows_of(labels)
    pieces = zip(*(task_logits.split(sizes, dim=1) for task_logits in logits), strict=True)
    summed = sum(
        regularizer.penalty(piece, rows, window, NOW) for piece, rows in zip(pieces, labels.split(sizes), strict=True)
    )
    torch.testing.assert_close(summed, regularizer.penalty(logits, labels, None, NOW))


@every_regularizer
@pytest.mark.parametrize("value", [0.0, 1e4, float("nan")])
def test_rows_without_a_label_change_nothing(regularizer: Regularizer, value: float) -> None:
    logits, labels = some_rows(regularizer, 12)
    spoilt = [
        task_logits.where((labels[:, number] != IGNORE_INDEX)[:, None], value).requires_grad_()
        for number, task_logits in enumerate(logits)
    ]
    penalty = regularizer.penalty(spoilt, labels, None, NOW)
    torch.testing.assert_close(penalty, regularizer.penalty(logits, labels, None, NOW))
    if penalty.requires_grad:
        penalty.sum().backward()
        for number, leaf in enumerate(spoilt):
            assert leaf.grad is not None
            assert leaf.grad.isfinite().all()
            assert not leaf.grad[:, labels[:, number] == IGNORE_INDEX].any()


@every_regularizer
@pytest.mark.parametrize("rows", [0, 4])
@pytest.mark.parametrize("window", ["own", "empty"])
def test_a_batch_without_labels_costs_nothing(regularizer: Regularizer, rows: int, window: str) -> None:
    logits, labels = some_rows(regularizer, rows)
    leaves = [task_logits.requires_grad_() for task_logits in logits]
    counts = None if window == "own" else [torch.tensor(0.0)] * len(CLASSES)
    penalty = regularizer.penalty(leaves, torch.full_like(labels, IGNORE_INDEX), counts, NOW)
    assert penalty.tolist() == [0, 0]
    if penalty.requires_grad:
        penalty.sum().backward()
        assert all(leaf.grad is not None and not leaf.grad.any() for leaf in leaves)


@every_regularizer
def test_copies_that_agree_cost_nothing(regularizer: Regularizer) -> None:
    logits, labels = some_rows(regularizer, 6)
    same = [task_logits[:1].expand_as(task_logits) for task_logits in logits]
    assert regularizer.penalty(same, labels, None, NOW).tolist() == [0, 0]


@every_regularizer
def test_saturated_copies_have_finite_gradients(regularizer: Regularizer) -> None:
    logits, labels = some_rows(regularizer, 10)
    leaves = [(1e4 * task_logits.sign()).requires_grad_() for task_logits in logits]
    penalty = regularizer.penalty(leaves, labels, None, NOW)
    assert penalty.isfinite().all()
    if penalty.requires_grad:
        penalty.sum().backward()
        assert all(leaf.grad is not None and leaf.grad.isfinite().all() for leaf in leaves)


@every_regularizer
def test_autocast_changes_nothing(regularizer: Regularizer) -> None:
    logits, labels = some_rows(regularizer, 8)
    with torch.autocast("cpu", torch.bfloat16):
        under_autocast = regularizer.penalty(logits, labels, None, NOW)
    assert under_autocast.dtype == torch.float32
    assert torch.equal(under_autocast, regularizer.penalty(logits, labels, None, NOW))


@every_regularizer
def test_an_epoch_with_one_copy_costs_nothing(regularizer: Regularizer) -> None:
    logits, labels = some_rows(regularizer, 5)
    for now in map(Progress, range(4)):
        if regularizer.copies(now) == 1:
            single = [task_logits[:1] for task_logits in logits]
            assert regularizer.penalty(single, labels, None, now).tolist() == [0, 0]
    assert regularizer.problems([]) == []
