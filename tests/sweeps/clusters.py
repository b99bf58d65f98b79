"""Clusters of Dask and Ray on this machine: processes, as they would be on others, whose workers take one job each."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from tests import command

Cluster = tuple[list[str], list[psutil.Process]]
"""The settings of its launcher, and its two workers."""


def free_port() -> int:
    """One that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def program(*words: str, until: str = "") -> Iterator[psutil.Process]:
    """``python WORDS``, which ends with the block, with all that it has started.

    :param until: what it says when it is ready; whatever it says later is lost.
    """
    path = os.pathsep.join(filter(None, [str(command.ROOT), os.environ.get("PYTHONPATH")]))
    env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    settings: dict[str, Any] = {"env": env, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([sys.executable, "-W", "ignore", *words], **settings) as process:
        try:
            lines = list[str]()
            for line in process.stdout if until else ():
                lines.append(line)
                if until in line:
                    break
            assert process.poll() is None, "".join(lines)
            Thread(target=process.communicate, daemon=True).start()
            yield psutil.Process(process.pid)
        finally:
            with suppress(psutil.NoSuchProcess):
                command.kill(psutil.Process(process.pid))


@contextmanager
def dask(folder: Path) -> Iterator[Cluster]:
    """A scheduler and two workers."""
    pytest.importorskip("distributed", reason="needs the extra polarity[dask]")
    port, program_of = str(free_port()), "distributed.cli.dask_"
    own = ["--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--local-directory", str(folder)]
    address = f"tcp://127.0.0.1:{port}"
    with ExitStack() as stack:
        place = ["--host", "127.0.0.1", "--port", port, "--no-dashboard"]
        stack.enter_context(program("-m", f"{program_of}scheduler", *place))
        workers = [stack.enter_context(program("-m", f"{program_of}worker", address, *own)) for _ in range(2)]
        yield ["hydra/launcher=dask", f"hydra.launcher.address={address}"], workers


@contextmanager
def ray(_: Path, *, outside: bool = False) -> Iterator[Cluster]:
    """A head without cores and two machines with one each.

    :param outside: whether the command is no part of the cluster.
    """
    pytest.importorskip("ray", reason="needs the extra polarity[ray]")
    port, for_others = free_port(), free_port()
    start = ["-m", "ray.scripts.scripts", "start", "--block", "--object-store-memory", "80000000", "--num-gpus", "0"]
    head = ["--head", "--port", str(port), "--ray-client-server-port", str(for_others), "--include-dashboard=false"]
    ready = "Ray runtime started"
    with ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True))
        stack.enter_context(program(*start, *head, "--num-cpus", "0", "--temp-dir", place, until=ready))
        joined = [*start, "--address", f"127.0.0.1:{port}", "--num-cpus", "1"]
        workers = [stack.enter_context(program(*joined, until=ready)) for _ in range(2)]
        address = f"ray://127.0.0.1:{for_others}" if outside else f"127.0.0.1:{port}"
        try:
            yield ["hydra/launcher=ray", f"hydra.launcher.address={address}"], workers
        finally:
            for log in sorted(Path(place).glob("session_latest/logs/ray_client_server*.err")):
                sys.stdout.write(f"{log}\n{log.read_text(encoding='utf-8')}\n")  # for a test that fails


def working(workers: list[psutil.Process], folder: Path, sweep: "subprocess.Popen[str]") -> psutil.Process:
    """A worker whose job has saved where it stands."""
    limit = time.monotonic() + command.PATIENCE
    while time.monotonic() < limit:
        saved = [path.parent.parent.name for path in (folder / "outputs").glob("*/*/checkpoints/last.ckpt")]
        for worker in workers:
            if any(name in line for name in saved for line in command.children(worker, "train").values()):
                return worker
        assert sweep.poll() is None, sweep.communicate()[0]
        time.sleep(0.1)
    pytest.fail("no job has begun")
