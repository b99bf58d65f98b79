"""Whether the kernel ends processes for want of memory."""

import time
from contextlib import suppress
from pathlib import Path

COUNTS = Path("/proc/vmstat")
JUST_NOW = 10.0
"""Seconds that a process may take to end after that, since its memory is freed first."""


class MemoryWatch:
    """Looks at how many processes of this machine the kernel has ended for want of memory; Linux counts them."""

    def __init__(self) -> None:
        self._kills, self._at = _kills(), float("-inf")

    def look(self) -> None:
        """Notice whether it has ended one since the last look."""
        kills = _kills()
        if kills > self._kills:
            self._kills, self._at = kills, time.monotonic()

    @property
    def ran_out(self) -> bool:
        """Whether it has just ended one."""
        self.look()
        return time.monotonic() - self._at < JUST_NOW


def _kills() -> int:
    with suppress(OSError):
        for line in COUNTS.read_text(encoding="ascii").splitlines():
            name, _, number = line.partition(" ")
            if name == "oom_kill":
                return int(number)
    return 0
