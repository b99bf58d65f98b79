"""A cluster of SLURM that is this machine alone: munged, slurmctld and slurmd on loopback, run by whoever tests."""

import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sinfo", "sbatch", "srun", "squeue", "scontrol", "scancel")
PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
PATIENCE = 60.0
"""Seconds that it may take to start."""
CORES = 4
"""That SLURM gives away, whatever the machine has."""

CONFIGURATION = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=2,bf_interval=2
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
KillWait=60
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class NoClusterError(Exception):
    """Why there is none."""


@contextmanager
def cluster() -> Iterator[dict[str, str]]:
    """The environment in which SLURM's commands speak to a cluster that ends with the block, and all of its jobs.

    :raises NoClusterError: if it cannot be started here.
    """
    missing = [name for name in PROGRAMS if shutil.which(name, path=PLACES) is None]
    if missing:
        raise NoClusterError(f"needs Debian's slurm-wlm and munge; there is no {', '.join(missing)}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="slurm", dir="/tmp")))  # a socket's path is short
        env = {**os.environ, "PATH": PLACES, "SLURM_CONF": str(folder / "slurm.conf")}
        _configure(folder)
        stack.enter_context(_daemon(folder, env, _munged(folder)))
        _until((folder / "munge.socket").exists, folder, "munged")
        stack.enter_context(_daemon(folder, env, ["slurmctld", "-D", "-i"]))
        stack.enter_context(_daemon(folder, env, ["slurmd", "-D"]))
        _until(lambda: "idle" in answer(env, "sinfo", "--noheader", "--format=%t"), folder, "slurmctld", "slurmd")
        stack.callback(_empty, env)
        yield env


def answer(env: dict[str, str], *words: str) -> str:
    """What one of SLURM's commands prints; nothing if it fails."""
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)
    return "" if done.returncode else done.stdout.strip()


def _configure(folder: Path) -> None:
    ports = []
    with ExitStack() as stack:
        for _ in range(2):
            free = stack.enter_context(socket.socket())
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    for name in ("state", "spool"):
        (folder / name).mkdir()
    settings = {"host": socket.gethostname().split(".")[0], "user": getpass.getuser(), "cores": CORES}
    (folder / "slurm.conf").write_text(CONFIGURATION.format(folder=folder, ports=ports, **settings))
    (folder / "munge.key").write_bytes(secrets.token_bytes(128))
    (folder / "munge.key").chmod(0o400)


def _munged(folder: Path) -> list[str]:
    files = {"key": "key-file", "socket": "socket", "pid": "pid-file", "log": "log-file", "seed": "seed-file"}
    return ["munged", "--foreground", "--force", *(f"--{name}={folder}/munge.{kind}" for kind, name in files.items())]


@contextmanager
def _daemon(folder: Path, env: dict[str, str], command: Sequence[str]) -> Iterator[None]:
    program = shutil.which(command[0], path=PLACES)
    with (folder / f"{command[0]}.out").open("w") as said:
        process = subprocess.Popen(
            [str(program), *command[1:]], env=env, cwd=folder, stdout=said, stderr=subprocess.STDOUT
        )
        started = psutil.Process(process.pid)
        try:
            yield
        finally:
            helpers = started.children(recursive=True) if started.is_running() else []
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for each in helpers:
                with suppress(psutil.NoSuchProcess):
                    each.send_signal(signal.SIGKILL)


def _until(there: object, folder: Path, *programs: str) -> None:
    """Wait for something to be there.

    :raises NoClusterError: with the last words of these programs.
    """
    assert callable(there)
    until = time.monotonic() + PATIENCE
    while not there():
        if time.monotonic() > until:
            said = [f"{name}: {(folder / f'{name}.out').read_text()[-500:].strip()}" for name in programs]
            raise NoClusterError(f"SLURM does not start here: {'; '.join(said)}")
        time.sleep(0.2)


def _empty(env: dict[str, str]) -> None:
    """End all jobs, so that none outlives the cluster."""
    answer(env, "scancel", f"--user={getpass.getuser()}")
    until = time.monotonic() + PATIENCE
    while answer(env, "squeue", "--noheader") and time.monotonic() < until:
        time.sleep(0.5)
