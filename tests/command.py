"""The program as its users start it: a process of its own, in a folder of its own."""

import atexit
import json
import os
import select
import socket
import subprocess
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parent.parent
PATIENCE = 800.0
"""Seconds that another process is waited for: no test may fail because the machine has much else to do."""

USUAL = {**os.environ, "OMP_NUM_THREADS": "1"}
"""The environment before any test has changed it."""
LEFT_BY_LIBRARIES = {
    "CUBLAS_WORKSPACE_CONFIG", "KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK", "PL_GLOBAL_SEED", "PL_SEED_WORKERS",
    "PYTORCH_NVML_BASED_CUDA_CHECK", "RAY_CLIENT_MODE", "TORCHINDUCTOR_CACHE_DIR",
}  # fmt: skip
"""Variables that torch, Lightning and Ray set for themselves, when they are imported or train within this process."""
HARMLESS = {
    "COLUMNS",
    "GOMP_SPINCOUNT",
    "OMP_NUM_THREADS",
    "POLARITY_CACHE",
    "PYTEST_CURRENT_TEST",
    "PYTHONPATH",
    *LEFT_BY_LIBRARIES,
}
"""Variables that no import learns anything from; a process in which another one differs is a new one."""
_started: list["subprocess.Popen[str]"] = []


class Forked(subprocess.Popen[Any]):
    """A process that a warm one has forked; to be used like any other."""

    def __init__(self, *arguments: Any, start_new_session: bool = False, **settings: Any) -> None:
        self._session = start_new_session
        super().__init__(*arguments, **settings)

    def _execute_child(self, args: Any, *further: Any) -> None:
        _, _, _, _, folder, environment, _, _, _, *pipes = further[:15]
        standard_in, _, _, standard_out, _, standard_error = pipes
        given = enumerate((standard_in, standard_out, standard_error))
        command = {"words": args[1:], "folder": os.fspath(folder), "environment": environment, "session": self._session}
        self._answers, answer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        descriptors = [*(stream if stream >= 0 else inherited for inherited, stream in given), answer.fileno()]
        with answer:
            socket.send_fds(warm_process(), [json.dumps(command).encode()], descriptors)
        self._close_pipe_fds(*pipes)
        self.pid = self._next()
        self._child_created = True

    def _next(self) -> int:
        result = self._answers.recv(64)
        assert result, "tests/warm.py has ended"
        return int(result)

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self._wait(0)
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        if self.returncode is None:
            if not select.select([self._answers], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = self._next()
            self._answers.close()
        return self.returncode


@cache
def warm_process() -> socket.socket:
    """The socket of ``tests/warm.py``, which is started when it is first asked for, and ends with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "warm.py"), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=USUAL,
            **dict.fromkeys(("stdin", "stdout"), subprocess.PIPE),  # Python finds out once whether one can seek in them
        )

    @atexit.register
    def end() -> None:
        ours.close()
        process.communicate()

    return ours


def python(
    *words: str, folder: Path, env: dict[str, str], real: bool = False, **settings: Any
) -> subprocess.Popen[str]:
    """Start ``python WORDS``, which are ``-m MODULE ...`` or ``-c PROGRAM ...``, in ``folder``.

    :param real: whether it has to be a new process, since what happens before the program begins is tried, too.
    """
    others = {name for name, _ in env.items() ^ USUAL.items()} - HARMLESS
    make = subprocess.Popen if real or others or not hasattr(os, "pidfd_open") else Forked
    _started.append(make([sys.executable, *words], cwd=folder, env=env, text=True, **settings))
    return _started[-1]


def start(
    verb: str, *arguments: str, folder: Path, words: tuple[str, ...] = ("-m",), **settings: Any
) -> subprocess.Popen[str]:
    """Start ``python -m polarity.VERB`` in ``folder``; both streams are read from its ``stdout``.

    :param words: in the place of ``-m``.
    """
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    usual = {
        "env": {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "200"},
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
    }
    return python(*words, f"polarity.{verb}", *arguments, folder=folder, **{**usual, **settings})


def run(verb: str, *arguments: str, folder: Path, seconds: float = PATIENCE, code: int = 0, **settings: Any) -> str:
    """Run ``python -m polarity.VERB`` to its end, which has to come with this exit code; returns what it said."""
    process = start(verb, *arguments, folder=folder, **settings)
    try:
        said, _ = process.communicate(timeout=seconds)
    finally:
        process.kill()
    assert process.returncode == code, said
    return said


def end_started() -> None:
    """End what a test has started and, where it failed, not waited for: it would disturb the tests that follow."""
    while _started:
        process = _started.pop()
        if process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                kill(psutil.Process(process.pid))
            process.wait()
        for stream in filter(None, (process.stdin, process.stdout, process.stderr)):
            stream.close()


def children(process: psutil.Process, verb: str) -> dict[psutil.Process, str]:
    """The processes that it, or one that it has started, has started for this verb, with their command lines."""
    found = {}
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # ended since it was listed
            found[child] = " ".join(child.cmdline())
    return {child: line for child, line in found.items() if f"polarity.{verb}" in line}


def kill(*processes: psutil.Process) -> None:
    """Kill processes and those that they have started; returns when none of them holds a lock any more."""
    doomed = [each for process in processes for each in (process, *process.children(recursive=True))]
    for each in doomed:  # the first would begin others
        with suppress(psutil.NoSuchProcess):
            each.kill()
    until = time.monotonic() + PATIENCE
    while any(_lives(each) for each in doomed):
        assert time.monotonic() < until
        time.sleep(0.01)


def _lives(process: psutil.Process) -> bool:
    """Whether it still has open files; what nobody has waited for yet has none."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False
