"""Whether the process that works on a run still lives."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from polarity import processes
from polarity.parts import clear, unfinished
from polarity.processes import is_alive, led_folder, outside_size, rank, this_process


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def described(process: subprocess.Popen[bytes]) -> dict[str, object]:
    """What the other process would say of itself."""
    return {**this_process(), "pid": process.pid, "pid_since": processes._since(process.pid)}


def test_this_process_is_alive() -> None:
    assert is_alive(this_process())


def test_a_process_is_alive_until_it_ends(other: subprocess.Popen[bytes]) -> None:
    description = described(other)
    assert is_alive(description)
    other.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(description)  # although its number is still taken, since nobody has asked how it ended
    other.wait()
    assert not is_alive(description)


def test_another_process_with_the_same_number_is_not_taken_for_it(other: subprocess.Popen[bytes]) -> None:
    description = described(other)
    before = str(int(str(description["pid_since"]).rpartition("-")[2]) - 1)
    for since in (before, f"00000000-{before}", 1, None):
        assert not is_alive({**description, "pid_since": since})


def test_a_clock_that_is_set_back_changes_nothing(
    other: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system then tells another moment at which each process began, the living ones as well."""
    description = described(other)
    with unfinished(tmp_path / "file") as part:
        part.write_text("half")
        monkeypatch.setattr(psutil.Process, "create_time", lambda _: 1.0)
        assert is_alive(description)
        assert is_alive(this_process())
        clear(tmp_path)
        assert part.exists()
    other.kill()
    other.wait()
    assert not is_alive(description)


@pytest.mark.parametrize("change", [{"host": "elsewhere"}, {"pid_namespace": "pid:[1]"}, {"pid": None}])
def test_what_is_not_known_to_run_here_does_not_count(change: dict[str, object]) -> None:
    assert not is_alive({**this_process(), **change})
    assert not is_alive({})


def test_only_processes_of_further_devices_are_led(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLARITY_RUN_DIR", "outputs/run")
    assert (rank(), led_folder()) == (0, None)
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert (rank(), led_folder()) == (0, None)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert (rank(), led_folder()) == (1, "outputs/run")
    monkeypatch.delenv("POLARITY_RUN_DIR")
    assert led_folder() is None


@pytest.mark.parametrize(
    ("given", "size", "number"),
    [
        ({"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2"}, 1, 0),  # as Lightning leaves it
        ({"TORCHELASTIC_RUN_ID": "none", "RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4"}, 4, 3),
        ({"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}, 1, 0),  # a script of sbatch, without srun
        ({"SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0", "LOCAL_RANK": "1"}, 1, 1),
        ({"SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "2"}, 4, 2),
    ],
)
def test_who_has_started_the_processes_of_a_run(
    given: dict[str, str], size: int, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert (outside_size(), rank()) == (size, number)
