"""trainer=fsdp: what one device does, by two that each keep a part of the weights."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor
from torch.testing._internal.distributed.fake_pg import FakeStore

from polarity.errors import UserError
from polarity.train import check
from polarity.training.sharded import FullySharded, whole
from tests import command
from tests.misfortune import misfortune
from tests.running import overrides, train
from tests.sameness import assert_close_runs
from tests.tiny import tiny_classifier
from tests.training.test_devices import HARD, only_run

TWO = ("trainer=fsdp", "trainer.devices=2", "trainer.accelerator=cpu")
LINE = (
    *HARD,
    "trainer.max_epochs=2",
    "callbacks.resume.minutes=0",
    "reporting.baselines=false",
    "trainer.log_every_n_steps=1",
)


@pytest.mark.slow
def test_a_sharded_run_that_is_killed_goes_on_to_what_one_device_comes_to(tmp_path: Path) -> None:
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    alone.mkdir()
    shared.mkdir()
    killed = misfortune(shared, epoch=1, batch=4, rank=1, kind="kill")
    line = overrides(shared, *LINE, *TWO, killed, rows=120)
    process = command.start("train", *line, folder=shared, real=True)
    process.communicate(timeout=command.PATIENCE)
    run = only_run(shared)
    assert run.status["state"] == "failed"
    command.run("train", f"resume={run.path}", "trust=tests.misfortune", folder=shared, real=True)
    assert len(run.environment.read_text().split('"command"')) == 3, "two turns"
    assert_close_runs(train(alone, *LINE, rows=120), run)


@pytest.fixture
def two_processes() -> Iterator[None]:
    """The first of two, the other of which is made up."""
    torch.distributed.init_process_group("fake", rank=0, world_size=2, store=FakeStore())
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("two_processes")
def test_each_process_keeps_a_half() -> None:
    strategy, model = FullySharded(), tiny_classifier()
    names, numbers = set(model.state_dict()), sum(values.numel() for values in model.parameters())
    strategy._device_mesh = init_device_mesh("cpu", (2, 1), mesh_dim_names=("data_parallel", "tensor_parallel"))
    strategy.shard(model)
    strategy.shard(model)
    kept = [values.to_local().numel() for values in model.parameters() if isinstance(values, DTensor)]
    assert len(kept) == len(list(model.parameters()))
    assert numbers / 2 <= sum(kept) < 0.55 * numbers
    assert set(model.state_dict()) == names
    assert whole(next(model.parameters())).shape == next(model.parameters()).shape


def test_what_needs_whole_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"head\.init: linear_probe did not train with trainer=fsdp"):
        check(overrides(tmp_path, *TWO, "head.init=linear_probe"))
    for callbacks in ("ema", "swa", "gradient_cosine"):
        with pytest.raises(UserError, match=rf"callbacks.{callbacks}: needs whole weights.*trainer=ddp"):
            check(overrides(tmp_path, *TWO, f"callbacks={callbacks}"))
