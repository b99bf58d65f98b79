"""Jobs of this machine are forked by a process that has imported what they import."""

import ast
import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import psutil
import pytest

from polarity.sweeps import local
from polarity.sweeps.forks import LOST, Forked, Forks, can_fork
from tests.command import PATIENCE, ROOT, USUAL

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="jobs are new processes on this system"),
]
FACTS = """
import json, os, random, sys, threading
import numpy as np
facts = {"here": os.getcwd(), "argv": sys.argv, "variable": os.environ.get("GIVEN"), "path": sys.path[0]}
facts |= {"session": os.getsid(0) == os.getpid(), "read": sys.stdin.read(), "threads": threading.active_count()}
facts |= {"loaded": "lightning" in sys.modules, "main": "polarity.train" in sys.modules, "pid": os.getpid()}
facts |= {"descriptors": len(os.listdir("/proc/self/fd")), "random": [random.random(), np.random.random()]}
print(json.dumps(facts), flush=True)
print("to the other", file=sys.stderr)
"""
WAIT = "import time; print('there', flush=True); time.sleep(600)"


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    made = Forks()
    yield made
    made.close()


def started(forks: Forks, folder: Path, program: str, said: IO[bytes], **given: str) -> Forked:
    return forks.start(["-c", program, "one"], folder, {**USUAL, **given}, said)


def ended(process: Forked) -> int:
    until = time.monotonic() + PATIENCE
    while (code := process.poll()) is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    return code


def wait_for(said: IO[bytes], text: bytes) -> None:
    until = time.monotonic() + PATIENCE
    while text not in _read(said):
        assert time.monotonic() < until
        time.sleep(0.01)


def _read(said: IO[bytes]) -> bytes:
    return os.pread(said.fileno(), 1 << 20, 0)


def facts(forks: Forks, folder: Path) -> dict[str, object]:
    with TemporaryFile() as said:
        process = started(forks, folder, FACTS, said, GIVEN="ünï")
        assert ended(process) == 0
        line, other = _read(said).decode().splitlines()
        assert other == "to the other"
    found: dict[str, object] = json.loads(line)
    assert found.pop("pid") == process.pid
    return found


def test_it_is_what_a_new_process_would_be(forks: Forks, tmp_path: Path) -> None:
    one, two = (facts(forks, tmp_path) for _ in range(2))
    assert one.pop("random") != two.pop("random")
    assert one == two
    assert one == {
        "here": str(tmp_path), "argv": ["-c", "one"], "variable": "ünï", "path": "", "session": True, "read": "",
        "threads": 1, "loaded": True, "main": False, "descriptors": 4,
    }  # fmt: skip


@pytest.mark.parametrize(("program", "code"), [("exit(7)", 7), ("1 / 0", 1), ("raise SystemExit('no')", 1)])
def test_its_exit_code_is_told(forks: Forks, program: str, code: int, tmp_path: Path) -> None:
    with TemporaryFile() as said:
        assert ended(started(forks, tmp_path, program, said)) == code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signals_reach_one_of_several(forks: Forks, number: signal.Signals, tmp_path: Path) -> None:
    with TemporaryFile() as said, TemporaryFile() as others:
        process, other = (started(forks, tmp_path, WAIT, output) for output in (said, others))
        for output in (said, others):
            wait_for(output, b"there")
        assert (process.poll(), other.poll()) == (None, None)
        process.send_signal(number)
        assert ended(process) == -number
        assert other.poll() is None
        other.send_signal(signal.SIGKILL)
        assert ended(other) == -signal.SIGKILL
        process.send_signal(number)  # nobody is there any more


def server_of(process: Forked) -> psutil.Process:
    server = psutil.Process(process.pid).parent()
    assert server is not None
    return server


def test_no_module_is_found_where_it_runs_if_somebody_has_forbidden_that(tmp_path: Path) -> None:
    forks, program = Forks(), "import sys; print(sys.path, flush=True)"
    with TemporaryFile() as said:
        assert ended(started(forks, tmp_path, program, said, PYTHONSAFEPATH="1", PYTHONPATH=str(ROOT))) == 0
        first, *others = ast.literal_eval(_read(said).decode())
    forks.close()
    assert first == str(ROOT)
    assert "" not in others
    assert str(tmp_path) not in others


@pytest.mark.parametrize("way", ["closed", "killed"])
def test_what_was_forked_outlives_the_process_that_forks(way: str, tmp_path: Path) -> None:
    forks = Forks()
    with TemporaryFile() as said:
        process = started(forks, tmp_path, WAIT, said)
        wait_for(said, b"there")
        if way == "killed":
            server_of(process).kill()
            with pytest.raises(ConnectionError):
                started(forks, tmp_path, WAIT, said)
        forks.close()
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert ended(process) == LOST


def test_a_job_is_a_new_process_when_nothing_forks_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Sequence[str]] = []
    monkeypatch.setattr(local, "Popen", lambda words, **_: begun.append(words))
    engine = object.__new__(local.Processes)
    engine._folder, engine._forks = tmp_path, Forks()
    with TemporaryFile() as said, engine:
        first = engine._begin(["-c", WAIT], USUAL, said)
        assert isinstance(first, Forked)
        assert not begun
        server_of(first).kill()
        first.send_signal(signal.SIGKILL)
        assert ended(first) == LOST
        engine._begin(["-c", WAIT], USUAL, said)
    assert [words[1:] for words in begun] == [["-c", WAIT]]


def test_nothing_is_forked_where_jobs_have_gpus() -> None:
    assert can_fork([{}, {"OMP_NUM_THREADS": "2"}])
    assert not can_fork([{"CUDA_VISIBLE_DEVICES": "0"}])
