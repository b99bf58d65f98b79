"""How much memory is free, and stopping in good order before it is full: a system without any kills without a word."""

from pathlib import Path
from typing import NamedTuple

import psutil

from polarity.errors import UserError
from polarity.wording import times

LEAST = 0.03
"""Share of the memory that stays free."""
_GROUPS = Path("/sys/fs/cgroup")


class Memory(NamedTuple):
    """Bytes that are free, of so many."""

    free: float
    total: float


def free_share() -> float:
    """Share of the memory that is free, of the machine or of the container."""
    return min(one.free / one.total for one in _found())


def free_bytes() -> float:
    """The same in bytes."""
    return min(one.free for one in _found())


def check_memory(name: str, rows: int) -> None:
    """Whether there is room for more.

    :param name: of the table that is being read, or of what is done with its rows.
    :param rows: done so far.
    :raises UserError: if hardly any memory is free.
    """
    if free_share() < LEAST:
        advice = "give fewer rows or columns (data.metadata=[]), or use a machine with more memory (docs/scaling.md)"
        raise UserError(f"{name}: the memory is full after {times(rows, 'row')}; {advice}")


def _found() -> list[Memory]:
    return [memory for memory in (_of_machine(), _of_container()) if memory is not None]


def _of_machine() -> Memory:
    memory = psutil.virtual_memory()
    return Memory(memory.available, memory.total)


def _of_container() -> Memory | None:
    try:
        most = int((_GROUPS / "memory.max").read_text(encoding="ascii"))
        used = int((_GROUPS / "memory.current").read_text(encoding="ascii"))
        stat = (_GROUPS / "memory.stat").read_text(encoding="ascii").splitlines()
        files = sum(int(line.split()[1]) for line in stat if line.startswith(("inactive_file ", "active_file ")))
        return Memory(most - (used - files), most)
    except (OSError, ValueError, IndexError):
        return None
