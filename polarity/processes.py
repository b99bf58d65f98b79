"""Which process works on a run, and whether it still does."""

import os
import platform
from pathlib import Path
from typing import Any

RUN_VARIABLE = "POLARITY_RUN_DIR"
"""Names the run's folder to the processes that the first one starts, one for each further device."""


def rank() -> int:
    """Number of this process among those of a run; the first is 0, also before a process group exists."""
    return max(int(os.environ.get(name) or 0) for name in ("RANK", "LOCAL_RANK"))


def led_folder() -> str | None:
    """The run's folder, in a process that another one started for a further device; None in all others."""
    return os.environ.get(RUN_VARIABLE) if rank() > 0 else None


def this_process() -> dict[str, Any]:
    """What tells this process from all others, on this machine and after a restart of it."""
    return {"host": platform.node(), "pid": os.getpid(), "pid_since": _since(os.getpid())}


def is_alive(process: dict[str, Any]) -> bool:
    """Whether what :func:`this_process` described still runs here; nothing is known about other machines."""
    if process.get("host") != platform.node() or not isinstance(pid := process.get("pid"), int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it exists, and belongs to somebody else
        pass
    return _since(pid) == process.get("pid_since")


def _since(pid: int) -> int | None:
    """When a process started, since its number will be given to another one; None where the system does not tell.

    A process that has ended, but whose end nobody has asked for yet, counts as started at -1.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return -1 if fields[0] in "ZX" else int(fields[19])
