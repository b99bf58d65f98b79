"""Scores counted batch by batch are those of the whole split, however it is cut."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, distributed, multiprocessing
from torch.nn import functional as F

from polarity.evaluation.metrics import score
from polarity.evaluation.split_metrics import SplitMetrics
from polarity.tasks import IGNORE_INDEX
from tests.command import PATIENCE
from tests.tiny import TASKS


def some_rows(rows: int, dtype: torch.dtype = torch.float32) -> tuple[list[Tensor], Tensor]:
    generator = torch.Generator().manual_seed(rows)
    logits = [2 * torch.randn(rows, len(task.classes), generator=generator).to(dtype) for task in TASKS]
    labels = torch.stack([torch.randint(len(task.classes), (rows,), generator=generator) for task in TASKS], dim=1)
    return logits, labels.where(torch.rand(rows, len(TASKS), generator=generator) < 0.7, IGNORE_INDEX)


def assert_whole(metrics: SplitMetrics, logits: list[Tensor], labels: Tensor) -> None:
    decided = [values.argmax(dim=1).numpy() for values in logits]
    assert metrics.scores().to_dict() == score(TASKS, labels.numpy(), decided).to_dict()
    losses = [F.cross_entropy(values.double(), labels[:, number]) for number, values in enumerate(logits)]
    named = {f"val/{task.name}/loss": float(loss) for task, loss in zip(TASKS, losses, strict=True)}
    assert metrics.losses() == pytest.approx({**named, "val/loss": np.mean(list(named.values()))}, rel=1e-6)


@pytest.mark.parametrize("size", [1, 7, 50, 64])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_batches_give_what_the_whole_gives(size: int, dtype: torch.dtype) -> None:
    logits, labels = some_rows(50, dtype)
    metrics = SplitMetrics(TASKS)
    for _ in range(2):  # nothing of an epoch is left in the next
        metrics.reset()
        for start in range(0, 50, size):
            metrics.update([values[start : start + size] for values in logits], labels[start : start + size])
        assert_whole(metrics, logits, labels)


def test_a_split_of_one_row_has_scores_and_losses() -> None:
    logits, labels = some_rows(1)
    labels[:] = 1
    metrics = SplitMetrics(TASKS)
    metrics.update(logits, labels)
    assert metrics.scores().rows == 1
    assert_whole(metrics, logits, labels)


def test_a_task_without_labels_has_no_loss_and_is_in_no_mean() -> None:
    logits, labels = some_rows(9)
    labels[:, 0] = IGNORE_INDEX
    metrics = SplitMetrics(TASKS)
    metrics.update(logits, labels)
    topic = pytest.approx(float(F.cross_entropy(logits[1], labels[:, 1])))
    assert metrics.losses() == {"val/topic/loss": topic, "val/loss": topic}
    assert metrics.scores().tasks["tone"].macro_f1 is None
    assert metrics.scores().rows == 9


def test_a_logit_that_is_not_a_number_is_not_hidden() -> None:
    logits, labels = some_rows(9)
    logits[0][0, 0], labels[0, 0] = float("nan"), 1
    metrics = SplitMetrics(TASKS)
    metrics.update(logits, labels)
    assert np.isnan(metrics.losses()["val/tone/loss"])


def one_of_three(rank: int, folder: Path) -> None:
    """A device of three; the last one has no rows."""
    store = distributed.FileStore(str(folder / "store"), 3)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=3, timeout=timedelta(seconds=PATIENCE))
    logits, labels = some_rows(5)
    mine = [slice(0, 3), slice(3, 5), slice(0, 0)][rank]
    metrics, alone = SplitMetrics(TASKS), SplitMetrics(TASKS, sync=False)
    if rank < 2:
        metrics.update([values[mine] for values in logits], labels[mine])
    assert_whole(metrics, logits, labels)
    if rank == 0:
        alone.update(logits, labels)
        assert_whole(alone, logits, labels)
    distributed.destroy_process_group()
    (folder / str(rank)).touch()


@pytest.mark.slow
def test_every_device_gets_the_scores_of_all_rows(tmp_path: Path) -> None:
    multiprocessing.spawn(one_of_three, (tmp_path,), nprocs=3)
    assert {"0", "1", "2"} <= {path.name for path in tmp_path.iterdir()}
