"""Processes that torchrun has started, on one machine or as if on two, are one run."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet
import pytest

from polarity.errors import UserError
from polarity.train import check
from polarity.training.manifest import Manifest
from tests import command
from tests.misfortune import misfortune
from tests.running import only_run, overrides, train
from tests.sameness import assert_close_runs, state
from tests.training.test_devices import DROPOUT, HARD, ONCE, TWO

FOUR = (*TWO, "trainer.num_nodes=2")
FEW = ("batching.batch_size=4", "sampler.rows_per_epoch=80", *HARD, *ONCE)
"""One row on each of four processes, so that one or the other has no label of a task; the last window is a part."""


def torchrun(folder: Path, *arguments: str, nodes: int = 1, code: int = 0) -> str:
    """What two processes on each of these machines say, all of which are this one; they have to end with this code."""
    path = os.pathsep.join(filter(None, [str(command.ROOT), os.environ.get("PYTHONPATH")]))
    env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = ["--nproc-per-node=2", f"--nnodes={nodes}", "--master-addr=127.0.0.1", f"--master-port={port}"]
    program = [sys.executable, "-m", "torch.distributed.run"]
    agents = [
        subprocess.Popen(
            [*program, *place, f"--node-rank={node}", "-m", "polarity.train", *arguments],
            cwd=folder,
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for node in range(nodes)
    ]
    said = [agent.communicate(timeout=command.PATIENCE)[0] for agent in agents]
    assert [agent.returncode for agent in agents] == [code] * nodes, "\n".join(said)
    return "\n".join(said)


@pytest.mark.slow
@pytest.mark.parametrize("nodes", [1, 2])
def test_processes_of_torchrun_do_what_one_process_does(nodes: int, tmp_path: Path) -> None:
    alone, several = tmp_path / "alone", tmp_path / "several"
    alone.mkdir()
    several.mkdir()
    one = train(alone, *FEW, rows=120)
    said = torchrun(several, *overrides(several, *FEW, *(TWO if nodes == 1 else FOUR), rows=120), nodes=nodes)
    run = only_run(several)
    assert_close_runs(one, run)
    tables = [pyarrow.parquet.read_table(each.predictions("test")) for each in (one, run)]
    assert tables[0]["id"].to_pylist() == tables[1]["id"].to_pylist()
    assert said.count("run folder:") == said.count("epoch 1 of 1") == 1
    assert f"{2 * nodes} x cpu" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_process_that_dies_ends_the_run_on_both_machines_and_it_can_go_on(tmp_path: Path) -> None:
    killed = misfortune(tmp_path, epoch=1, batch=2, rank=3, kind="kill")
    torchrun(tmp_path, *overrides(tmp_path, *FOUR, *DROPOUT, killed), nodes=2, code=1)
    run = only_run(tmp_path)
    assert run.status["state"] == "failed"
    torchrun(tmp_path, f"resume={run.path}", "trust=tests.misfortune", nodes=2)
    whole = tmp_path / "whole"
    whole.mkdir()
    torchrun(whole, *overrides(whole, *FOUR, *DROPOUT), nodes=2)
    assert_close_runs(only_run(whole), run)  # four numbers are added up in an order that differs from start to start


@pytest.mark.slow
def test_what_is_wrong_is_told_by_one_process_and_nothing_is_started(tmp_path: Path) -> None:
    said = torchrun(tmp_path, *overrides(tmp_path, *TWO, "batching.batch_size=1", "head.width=64"), code=1)
    assert said.count("nothing was started") == 1
    assert not (tmp_path / "outputs").exists()


def test_several_machines_need_a_launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        UserError, match=r"trainer.num_nodes: 2 x 2: several machines need torchrun --nnodes=2 --nproc-per-node=2"
    ):
        check(overrides(tmp_path, *FOUR))
    for name, value in {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "3", "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=r"2 x 2 is not the number of processes that were started, 3"):
        check(overrides(tmp_path, *FOUR))
    with pytest.raises(UserError, match=r"-m: torchrun and srun start the processes of one run"):
        check(["-m", *overrides(tmp_path, *TWO, "seed=0,1")])


@pytest.mark.slow
def test_a_signal_to_the_first_process_alone_is_saved_before_the_launcher_ends_it(tmp_path: Path) -> None:
    told = misfortune(tmp_path, epoch=1, batch=5, kind="terminate")
    torchrun(tmp_path, *overrides(tmp_path, *FEW, *TWO, "trainer.max_epochs=2", told, rows=120), code=1)
    run = only_run(tmp_path)
    assert run.status["error"] == "interrupted by SIGTERM"
    assert state(run)["global_step"] == 7 + 2
    assert Manifest(run).problem(run.resume_point) is None
