"""Which process works on a run, and whether it still does."""

import os
import platform
from functools import cache
from pathlib import Path

import psutil

from polarity.content import Json

RUN_VARIABLE = "POLARITY_RUN_DIR"
"""Names the run's folder in the processes of further devices, whoever has started them."""
SIGNALLED = 128
"""An exit code beyond it tells that a signal ended the process: its number is the rest."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def outside_size() -> int:
    """How many processes an outside launcher, torchrun or srun, has started together with this one; 1 without one."""
    return _number("WORLD_SIZE") or 1 if _of_torchrun() else _number("SLURM_STEP_NUM_TASKS") or 1


def rank() -> int:
    """Number of this process among those of a run; the first is 0, also before a process group exists."""
    of_srun = not _of_torchrun() and outside_size() > 1
    return _number("SLURM_PROCID") if of_srun else max(_number("RANK"), _number("LOCAL_RANK"))


def _of_torchrun() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ


def _number(name: str) -> int:
    return int(os.environ.get(name) or 0)


def led_folder() -> str | None:
    """The run's folder, in the process of a further device, as the first one has told it; None in all others."""
    return os.environ.get(RUN_VARIABLE) if rank() > 0 else None


def this_process() -> Json:
    """What tells this process from all others, on this machine and after a restart of it."""
    here = {"host": platform.node(), "pid_namespace": pid_namespace()}
    return {**here, "pid": os.getpid(), "pid_since": _since(os.getpid())}


def pid_namespace() -> str:
    """Within what a number names a process: containers of the same host name each have their own; empty elsewhere."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def is_of_this_machine(process: Json) -> bool:
    """Whether what :func:`this_process` described ran here, and not in another container."""
    here = pid_namespace()
    return process.get("host") == platform.node() and process.get("pid_namespace", here) == here


def is_alive(process: Json) -> bool:
    """Whether what :func:`this_process` described still runs here; nothing is known about other machines.

    A process that has ended, but whose end nobody has asked for yet, does not run. A number is given to another process
    in time, so the start counts, too.
    """
    pid, since = process.get("pid"), process.get("pid_since")
    if not is_of_this_machine(process) or not isinstance(pid, int):
        return False
    try:
        gone = psutil.Process(pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        return not gone and _since(pid) == since
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # it exists, and belongs to somebody else
        return True


def _since(pid: int) -> str:
    """When a process has started, in a text that stays the same when the clock is set.

    Linux counts it from its own start, whose moment by the clock moves with the clock; others keep the moment itself.

    :raises psutil.NoSuchProcess: if there is none of this number.
    """
    try:
        after_name = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return f"{_boot()}-{int(after_name[19])}"
    except OSError:
        return str(psutil.Process(pid).create_time())


@cache
def _boot() -> str:
    """Eight digits that name the time since the machine was started."""
    return _BOOT.read_text(encoding="ascii")[:8]
