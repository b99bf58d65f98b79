"""Two processes do what one does, and end together."""

import csv
import os
import re
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import torch

from polarity.errors import UserError
from polarity.run import RunDirectory
from polarity.train import check
from tests import command
from tests.misfortune import misfortune
from tests.running import only_run, overrides, train
from tests.sameness import assert_close_runs, assert_same_runs, history
from tests.tiny import POOLED, tiny_batch, tiny_classifier

TWO = ("trainer=ddp", "trainer.devices=2", "trainer.accelerator=cpu")
NO_DROPOUT = ("model.dropout=0.0", "model.encoder_dropout=0.0")
DROPOUT = ("model.encoder_dropout=0.2", "sampler=joint", "batching.accumulate=2", "callbacks.resume.minutes=0")
ONCE = ("trainer.max_epochs=1",)
HARD = (*NO_DROPOUT, "sampler=joint", "sampler.boosts.tone.none=2", "batching.accumulate=3", "clipping=per_task")
ONE_LEFT = ("batching.batch_size=8", "sampler.rows_per_epoch=57")  # the last batch has a row for one device only


@dataclass
class Pair:
    """The same training on one device and on two, and what the program with two said."""

    one: RunDirectory
    two: RunDirectory
    said: str
    folder: Path


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    alone, folder = (tmp_path_factory.mktemp(name) for name in ("one", "two"))
    hard = (*HARD, *ONE_LEFT, *ONCE)
    arguments = overrides(folder, *hard, *TWO, "batching.micro_batch_size=3")  # which changes nothing either
    (folder / "here").mkdir()
    said = command.run("train", *arguments, folder=folder / "here")
    return Pair(train(alone, *hard), only_run(folder), said, folder)


@pytest.mark.slow
def test_two_devices_train_as_one(pair: Pair) -> None:
    assert pair.two.status["state"] == "finished"
    assert_close_runs(pair.one, pair.two)


@pytest.mark.slow
def test_rows_a_second_count_each_row_once(pair: Pair) -> None:
    """With one row left over for two devices, and micro-batches of three."""
    for run in (pair.one, pair.two):
        (epoch,) = csv.DictReader(run.history.read_text(encoding="utf-8").splitlines())
        (said,) = re.findall(r"speed: ([\d.]+) rows/s", run.log.read_text(encoding="utf-8"))
        assert float(epoch["rows_per_second"]) == pytest.approx(float(said), rel=0.15)


@pytest.mark.slow
def test_only_the_first_process_speaks_and_writes(pair: Pair) -> None:
    assert pair.said.count("run folder:") == 1
    assert pair.said.count("epoch 1 of 1") == 1
    assert "2 x cpu" in pair.said
    assert "warn" not in pair.said.lower()
    assert "Initializing distributed" not in pair.said
    assert list((pair.folder / "here").iterdir()) == []
    writers = {path.name.split(".")[-2] for path in (pair.two.path / "tensorboard").rglob("events*")}
    assert writers == {str(pair.two.status["pid"])}


@pytest.mark.parametrize(("family", "pooling"), POOLED)
def test_every_parameter_gets_a_gradient_as_several_devices_need(family: str, pooling: str) -> None:
    model = tiny_classifier(family, pooling=pooling)
    torch.stack([logits.sum() for logits in model(**tiny_batch())]).sum().backward()
    assert [name for name, values in model.named_parameters() if values.requires_grad and values.grad is None] == []


def test_what_is_wrong_is_reported_before_a_process_is_launched(tmp_path: Path) -> None:
    arguments = overrides(tmp_path, *TWO, "batching.batch_size=1", "head.width=64")
    with pytest.raises(UserError) as error:
        check(arguments)
    assert {problem.split(":")[0] for problem in error.value.problems} == {"batching.batch_size", "head.width"}
    assert not (tmp_path / "outputs").exists()


def test_several_devices_inside_a_multirun_are_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"trainer.devices: 2 processes inside a multirun .*hydra/launcher=local"):
        check(["-m", *overrides(tmp_path, *TWO, "seed=0,1", "hydra/launcher=basic")])
    check(["-m", *overrides(tmp_path, *TWO, "seed=0,1")])


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_failure_on_one_device_ends_both_and_can_be_resumed(rank: int, tmp_path: Path) -> None:
    arguments = overrides(tmp_path, *TWO, *DROPOUT, misfortune(tmp_path, epoch=1, batch=5, rank=rank))
    said = command.run("train", *arguments, folder=tmp_path, code=1, real=True)
    stopped = only_run(tmp_path)
    assert said.count("The run stopped: ConnectionAbortedError: power failure") == 1
    assert stopped.status["state"] == "failed"
    assert "tests/misfortune.py" in stopped.status["traceback"]
    command.run("train", f"resume={stopped.path}", "trust=tests.misfortune", folder=tmp_path, real=True)
    whole = tmp_path / "whole"
    whole.mkdir()
    command.run("train", *overrides(whole, *TWO, *DROPOUT), folder=whole, real=True)
    assert_same_runs(only_run(whole), only_run(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize(("rank", "state"), [(0, {"stopped", "failed"}), (1, {"failed"})])
def test_a_killed_process_does_not_leave_the_other_waiting(rank: int, state: set[str], tmp_path: Path) -> None:
    arguments = overrides(tmp_path, *TWO, misfortune(tmp_path, epoch=1, batch=2, rank=rank, kind="kill"))
    process = command.start("train", *arguments, folder=tmp_path, real=True)
    process.communicate(timeout=command.PATIENCE)  # both streams are closed when no process is left
    assert process.returncode != 0
    stopped = only_run(tmp_path)
    assert stopped.status["state"] in state
    if rank == 1:
        assert stopped.status["error"].startswith("the process of device 1 was ended by SIGKILL")
    command.run("train", f"resume={stopped.path}", "trust=tests.misfortune", folder=tmp_path, real=True)
    assert only_run(tmp_path).status["state"] == "finished"
    assert len(history(stopped)) == 2


def further_device(first: psutil.Process) -> psutil.Process | None:
    """The process of the second device, once it runs; not a copy of the first that is about to become git or another.

    Between fork and exec such a copy has the command line of the first, and the environment as well.
    """
    for child in command.children(first, "train"):
        with suppress(psutil.Error):  # ended since it was listed
            if "LOCAL_RANK" in child.environ():
                return child
    return None


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["first", "second"])
def test_a_process_killed_while_the_other_starts_ends_both(killed: str, tmp_path: Path) -> None:
    process = command.start("train", *overrides(tmp_path, *TWO), folder=tmp_path, real=True)
    first = psutil.Process(process.pid)
    while (second := further_device(first)) is None:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)
    (first if killed == "first" else second).kill()
    said, _ = process.communicate(timeout=command.PATIENCE)  # both streams are closed when no process is left
    assert process.returncode != 0
    stopped = only_run(tmp_path)
    if killed == "second":
        assert said.count("The run stopped: LostDeviceError: the process of device 1 was ended by SIGKILL") == 1
        assert stopped.status["state"] == "failed"
    command.run("train", f"resume={stopped.path}", folder=tmp_path, real=True)
    assert only_run(tmp_path).status["state"] == "finished"


SCRIPT = """
import os, sys
import polarity

print("the script runs")
for seed in (0, 1):
    run = polarity.train([*sys.argv[1:], f"seed={seed}"])
    print(run.status["state"], "LOCAL_RANK" in os.environ)
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["script", "-c"])
def test_runs_on_two_devices_from_python(way: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    words = ["-c", SCRIPT] if way == "-c" else ["script.py"]
    asked = [*overrides(tmp_path, *TWO, *ONCE), "reporting.baselines=false", "test=false"]
    environment = {**os.environ, "PYTHONPATH": str(command.ROOT), "OMP_NUM_THREADS": "1"}
    process = command.python(*words, *asked, folder=tmp_path, env=environment, real=True, stdout=subprocess.PIPE)
    said, _ = process.communicate(timeout=command.PATIENCE)
    assert process.returncode == 0
    assert said.count("the script runs") == 1
    assert said.count("finished False") == 2
    one, two = sorted((tmp_path / "outputs").glob("2*"))
    assert [len(history(RunDirectory.open(path))) for path in (one, two)] == [1, 1]


@pytest.mark.slow
def test_no_process_leaves_before_the_first_has_trained(tmp_path: Path) -> None:
    late = f"+callbacks.late={{_target_: tests.misfortune.Late, folder: {tmp_path}}}"
    command.run("train", *overrides(tmp_path, *TWO, *ONCE, late), folder=tmp_path, real=True)
    trained, left = (float((tmp_path / name).read_text()) for name in ("trained", "left"))
    assert trained < left
