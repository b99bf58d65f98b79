"""Two processes on one sweep, one that is killed with all that it has started, and a job without memory."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests import command
from tests.misfortune import misfortune
from tests.running import overrides
from tests.sweeping import only_sweep, states, sweep
from tests.sweeps.test_planning import SHORT

LINE = (*SHORT, "trainer.log_every_n_steps=1", "seed=0,1,2,3")


@pytest.mark.slow
def test_two_processes_share_a_sweep_and_run_no_job_twice(tmp_path: Path) -> None:
    line = ["train", "-m", *overrides(tmp_path, *LINE, rows=120), "hydra.launcher.jobs=1"]
    both = [command.start(*line, folder=tmp_path) for _ in range(2)]
    said = [process.communicate(timeout=command.PATIENCE)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert states(tmp_path) == ["finished"] * 4
    for number in range(1, 5):
        assert sum(text.count(f"job {number}: ") for text in said) == 1
        assert sum(text.count(f"job {number} ended: ") for text in said) == 1
    assert all(re.search(r"job \d+ ended: ", text) for text in said), "both have worked"


@pytest.mark.slow
def test_a_sweep_that_is_cut_off_goes_on_by_the_same_line(tmp_path: Path) -> None:
    line = ["train", "-m", *overrides(tmp_path, *LINE, "trainer.max_epochs=30", rows=120), "hydra.launcher.jobs=2"]
    process = command.start(*line, folder=tmp_path, real=True)
    until = time.monotonic() + command.PATIENCE
    while not list((tmp_path / "outputs").glob("*/*/checkpoints/last.ckpt")):
        assert time.monotonic() < until
        time.sleep(0.2)
    command.kill(psutil.Process(process.pid))
    process.communicate()
    assert "interrupted" in states(tmp_path)
    assert "running" not in states(tmp_path)
    said = command.run(*line, folder=tmp_path)
    assert " (goes on)" in said
    assert states(tmp_path) == ["finished"] * 4
    attempts = [len(job.run.environment.read_text().split('"command"')) for job in only_sweep(tmp_path).jobs]
    assert max(attempts) > min(attempts), "resumed, and not begun again"


@pytest.mark.slow
def test_a_job_that_runs_out_of_memory_is_one_failed_job_which_says_so(tmp_path: Path) -> None:
    starved = misfortune(tmp_path, batch=1, kind="starve")
    line = ("-m", *overrides(tmp_path, *LINE[:-1], starved, rows=120), "seed=0,1")
    said = sweep(*line, code=1)
    assert states(tmp_path) == ["failed", "finished"]
    (failed, _) = (job.run.status for job in only_sweep(tmp_path).jobs)
    assert "memory ran out: can't allocate memory: you tried to allocate" in str(failed["error"])
    assert "1 of 2 jobs failed" in said
    assert "failed: memory ran out" in " ".join(said.split())
    sweep(*line, "sweep.retry=failed")
    assert states(tmp_path) == ["finished"] * 2


@pytest.fixture
def little_memory(tmp_path: Path) -> Iterator[None]:
    """A group of processes, in the folder ``group``, which the kernel gives 64 MB more than others that join it use."""
    place = Path("/sys/fs/cgroup")
    old = (place / "memory").is_dir()
    made = place / ("memory" if old else "") / f"polarity-{os.getpid()}"
    try:
        made.mkdir()
        (made / ("memory.limit_in_bytes" if old else "memory.max")).write_text(str(2**26))
    except OSError as error:
        pytest.skip(f"no group of processes with a limit of memory can be made here: {error}")
    (tmp_path / "group").symlink_to(made)
    yield
    made.rmdir()


@pytest.mark.slow
@pytest.mark.usefixtures("little_memory")
def test_a_job_that_the_kernel_ends_for_want_of_memory_says_so_and_is_not_begun_again(tmp_path: Path) -> None:
    line = ("-m", *overrides(tmp_path, *LINE[:-1], misfortune(tmp_path, batch=1, kind="flood"), rows=120), "seed=0")
    said = sweep(*line, code=1)
    assert states(tmp_path) == ["failed"]
    assert "memory ran out" in " ".join(said.split())
    assert "1 failed before" in sweep(*line, code=1)
