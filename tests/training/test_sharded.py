"""trainer=fsdp: what one device does, by two that each keep a part of the weights."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor
from torch.testing._internal.distributed.fake_pg import FakeStore

from polarity.errors import UserError
from polarity.evaluation.predictions import read_predictions
from polarity.run import RunDirectory
from polarity.train import check
from polarity.training.sharded import FullySharded, whole
from tests import command
from tests.misfortune import misfortune
from tests.running import only_run, overrides, train
from tests.sameness import assert_close_runs
from tests.tiny import tiny_classifier
from tests.training.test_devices import HARD

TWO = ("trainer=fsdp", "trainer.devices=2", "trainer.accelerator=cpu")
FROM = "from={origin}"
LINE = (
    *HARD,
    "trainer.max_epochs=2",
    "callbacks.resume.minutes=0",
    "reporting.baselines=false",
    "trainer.log_every_n_steps=1",
)


BEGINNINGS = {
    "pretrained": (),
    "linear probe": ("head.init=linear_probe",),
    "another run": (FROM,),
    "another run, frozen": (FROM, "model.freeze=encoder", "model.encoder_dropout=null"),
}


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(tmp_path_factory.mktemp("origin"), *LINE, "trainer.max_epochs=1", rows=120)


@pytest.mark.slow
@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_sharded_run_that_is_killed_goes_on_to_what_one_device_comes_to(
    beginning: str, origin: RunDirectory, tmp_path: Path
) -> None:
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    alone.mkdir()
    shared.mkdir()
    settings = (*LINE, *(text.format(origin=origin.path) for text in BEGINNINGS[beginning]))
    killed = misfortune(shared, epoch=1, batch=4, rank=1, kind="kill")
    line = overrides(shared, *settings, *TWO, killed, rows=120)
    process = command.start("train", *line, folder=shared, real=True)
    process.communicate(timeout=command.PATIENCE)
    run = only_run(shared)
    assert run.status["state"] == "failed"
    command.run("train", f"resume={run.path}", "trust=tests.misfortune", folder=shared, real=True)
    assert len(run.environment.read_text().split('"command"')) == 3, "two turns"
    assert_close_runs(train(alone, *settings, rows=120), run)


@pytest.mark.slow
def test_a_table_that_two_encoders_read_by_is_shared_out_once(tmp_path: Path) -> None:
    runs = []
    for name, devices in (("alone", ()), ("shared", TWO)):
        folder = tmp_path / name
        folder.mkdir()
        line = [text for text in overrides(folder, *LINE, *devices, rows=120) if not text.startswith("model")]
        fused = ("model=late_fusion", "model.encoder=local", f"model.encoder.name={folder / 'encoder-bert'}")
        quiet = ("model.encoder.freeze=embeddings", "model.encoder.dropout=0", "model.encoder.encoder_dropout=0")
        command.run("train", *line, *fused, *quiet, folder=folder, real=bool(devices))
        runs.append(only_run(folder))
    assert_close_runs(*runs)
    sizes = [(run.model / "model.safetensors").stat().st_size for run in runs]
    assert sizes[0] == sizes[1]


@pytest.mark.slow
def test_an_odd_number_of_validation_batches_is_none_to_wait_for(tmp_path: Path) -> None:
    """Each forward pass gathers weights of all devices: one that had a batch less would never answer."""
    settings = (*LINE, "trainer.max_epochs=1", "batching.eval_batch_size=1")
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    alone.mkdir()
    shared.mkdir()
    command.run("train", *overrides(shared, *settings, *TWO, rows=120), folder=shared, real=True)
    run = only_run(shared)
    assert len(read_predictions(run.predictions("val"))) % 2 == 1
    assert_close_runs(train(alone, *settings, rows=120), run)


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


@pytest.mark.usefixtures("two_processes")
def test_what_is_saved_before_the_first_step_does_not_count_as_one() -> None:
    strategy, model = FullySharded(), tiny_classifier()
    strategy._device_mesh = init_device_mesh("cpu", (2, 1), mesh_dim_names=("data_parallel", "tensor_parallel"))
    strategy.shard(model)
    strategy.model = model
    optimizer = torch.optim.AdamW(model.parameters())
    assert strategy.optimizer_state(optimizer)["state"] == {}
    assert not optimizer.state


def test_what_needs_whole_weights_is_refused(tmp_path: Path) -> None:
    for callbacks in ("ema", "swa", "gradient_cosine"):
        with pytest.raises(UserError, match=rf"callbacks.{callbacks}: needs whole weights.*trainer=ddp"):
            check(overrides(tmp_path, *TWO, f"callbacks={callbacks}"))
