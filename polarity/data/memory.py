"""Stopping in good order before the memory is full: a system that runs out of it kills without a word."""

from pathlib import Path

from polarity.errors import UserError
from polarity.wording import times

LEAST = 0.03
"""Share of the memory that stays free."""
_GROUPS = Path("/sys/fs/cgroup")


def free_share() -> float | None:
    """Share of the memory that is free, of the machine or of the container; None where nobody tells (not on Linux)."""
    found = [share for share in (_of_machine(), _of_container()) if share is not None]
    return min(found, default=None)


def check_memory(name: str, rows: int) -> None:
    """Whether there is room for more.

    :param name: of the table that is being read, or of what is done with its rows.
    :param rows: done so far.
    :raises UserError: if hardly any memory is free.
    """
    share = free_share()
    if share is not None and share < LEAST:
        advice = "give fewer rows or columns (data.metadata=[]), or use a machine with more memory (docs/scaling.md)"
        raise UserError(f"{name}: the memory is full after {times(rows, 'row')}; {advice}")


def _of_machine() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if rest}
        return sizes["MemAvailable"] / sizes["MemTotal"]
    except (OSError, ValueError, KeyError, IndexError):
        return None


def _of_container() -> float | None:
    try:
        most = int((_GROUPS / "memory.max").read_text(encoding="ascii"))
        used = int((_GROUPS / "memory.current").read_text(encoding="ascii"))
        stat = (_GROUPS / "memory.stat").read_text(encoding="ascii").splitlines()
        files = sum(int(line.split()[1]) for line in stat if line.startswith(("inactive_file ", "active_file ")))
        return 1 - (used - files) / most
    except (OSError, ValueError, IndexError):
        return None
