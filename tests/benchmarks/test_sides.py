"""The sides of the speed comparison that are not the project's own, on a tiny model."""

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import loop, peers, step_profile
from benchmarks.work import ACCUMULATE, BATCH, Work
from polarity.config.preflight import prepare
from polarity.training.assembled import Stages, assemble
from tests.running import composed, overrides
from tests.tiny import WORDS, save_tiny_encoder


class Stopwatch:
    """A clock that ends training after some steps."""

    def __init__(self, steps: int) -> None:
        self.rows: list[int] = []
        self._steps = steps

    def stepped(self, rows: int) -> bool:
        self.rows.append(rows)
        return len(self.rows) == self._steps


def test_the_bare_loop_trains_on_the_planned_batches(tmp_path: Path) -> None:
    arguments = overrides(tmp_path, f"batching.batch_size={BATCH}", f"batching.accumulate={ACCUMULATE}", rows=400)
    assembled = assemble(prepare(composed(*arguments)), Stages())
    before = [parameter.detach().clone() for parameter in assembled.module.model.parameters()]
    clock = Stopwatch(2)
    loop.train(assembled, clock)  # type: ignore[arg-type]
    assert clock.rows == [BATCH * ACCUMULATE] * 2
    after = assembled.module.model.parameters()
    assert any(not torch.equal(*pair) for pair in zip(before, after, strict=True))


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_peers_train_in_both_precisions_on_a_cpu(tmp_path: Path, precision: str) -> None:
    rows = BATCH * ACCUMULATE
    work = Work(
        encoder=str(save_tiny_encoder(tmp_path)),
        texts=[" ".join(WORDS[row % 9 : row % 9 + 5]) for row in range(rows)],
        labels=np.zeros((rows, 1), dtype=np.int64),
        weights=[np.ones(2, dtype=np.float32)],
        draw=np.arange(rows),
        precision=precision,
        seed=0,
    )
    clock = Stopwatch(1)
    peers.grouped(work, clock)  # type: ignore[arg-type]
    assert clock.rows == [rows]


def test_profiled_batches_are_sorted_out_of_many() -> None:
    window = step_profile.batches(33)
    assert [len(batch["input_ids"]) for batch in window] == [step_profile.BATCH] * step_profile.ACCUMULATE
    padding = [1 - float(batch["attention_mask"].float().mean()) for batch in window]
    assert max(padding) < 0.2
