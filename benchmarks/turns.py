"""Sides that train in turn: each in a process of its own, which stands still while another one is timed."""

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Self


@dataclass(frozen=True)
class Turn:
    """What a side did in one turn: rows trained on, the seconds that it took, and the most memory so far, in MiB."""

    rows: int
    seconds: float
    memory: int = 0


class Clock:
    """A side's end of the line. The first optimizer step is warm-up; from then on it trains only when it is its turn.

    Turns are counted in steps, not in seconds: batches grouped by length are short in one moment and long in the next,
    and attention costs more than length, so that only whole epochs over the same rows can be compared.

    :param line: receives the optimizer steps of the next turn, or None for the end; sends a :class:`Turn` after each.
    :param cpu: count the process's seconds on processors instead of those that pass, which is fair where other programs
        run beside it.
    """

    def __init__(self, line: Connection, *, cpu: bool = False) -> None:
        self._line = line
        self._now = time.process_time if cpu else time.perf_counter
        self._warm = False
        self._steps: int | None = None
        self._done = 0
        self._rows = 0
        self._started = 0.0

    def stepped(self, rows: int) -> bool:
        """Take note of a finished step over ``rows`` rows; True at the end.

        Waits while it is not this side's turn.
        """
        elapsed = self._now() - self._started
        if not self._warm:
            self._warm = True
            return self._wait(Turn(0, 0.0))
        self._rows += rows
        self._done += 1
        return self._wait(Turn(self._rows, elapsed, _peak_memory())) if self._done == self._steps else False

    def _wait(self, turn: Turn) -> bool:
        self._line.send(turn)
        self._steps = self._line.recv()
        self._rows = self._done = 0
        self._started = self._now()
        return self._steps is None


class Side:
    """A process that trains.

    :param train: a function of a module, so that the process can import it; gets ``arguments`` and the clock.
    :param cpu: see :class:`Clock`.
    """

    def __init__(self, name: str, train: Callable[..., None], *arguments: Any, cpu: bool = False) -> None:
        self.name = name
        context = get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_train, args=(theirs, train, arguments, cpu), daemon=True)
        self._process.start()
        theirs.close()
        self._receive()

    def take_turn(self, steps: int) -> Turn:
        """Let it train for a number of optimizer steps."""
        self._line.send(steps)
        return self._receive()

    def _receive(self) -> Turn:
        try:
            turn: Turn = self._line.recv()
        except EOFError:
            raise RuntimeError(f"the process of {self.name} ended; its error stands above") from None
        return turn

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._process.is_alive():
            self._line.send(None)
            self._process.join(timeout=60)
        self._process.kill()


def _train(line: Connection, train: Callable[..., None], arguments: Sequence[Any], cpu: bool) -> None:  # noqa: FBT001
    train(*arguments, Clock(line, cpu=cpu))


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
