"""Sides that train in turn: each in a process of its own, which stands still while another one is timed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Self


@dataclass(frozen=True)
class Turn:
    """What a side did in one turn.

    :param rows: rows of average length: tokens trained on over the mean tokens of a row. Batches grouped by length hold
        short texts for a whole turn and long ones for the next, so that plain rows would say more about the turn than
        about the side.
    """

    rows: float
    seconds: float


class Clock:
    """A side's end of the line. The first optimizer step is warm-up; from then on it trains only when it is its turn.

    :param line: receives the seconds of the next turn, or None for the end; sends a :class:`Turn` after each.
    """

    def __init__(self, line: Connection) -> None:
        self._line = line
        self._warm = False
        self._seconds: float | None = None
        self._rows = 0.0
        self._started = 0.0

    def stepped(self, rows: float) -> bool:
        """Take note of a finished step over ``rows`` rows of average length; True at the end.

        Waits while it is not this side's turn.
        """
        elapsed = time.perf_counter() - self._started
        if not self._warm:
            self._warm = True
            return self._wait(Turn(0, 0.0))
        self._rows += rows
        assert self._seconds is not None
        return self._wait(Turn(self._rows, elapsed)) if elapsed >= self._seconds else False

    def _wait(self, turn: Turn) -> bool:
        self._line.send(turn)
        self._seconds = self._line.recv()
        self._rows = 0.0
        self._started = time.perf_counter()
        return self._seconds is None


class Side:
    """A process that trains.

    :param train: a function of a module, so that the process can import it; gets ``arguments`` and the clock.
    """

    def __init__(self, name: str, train: Callable[..., None], *arguments: Any) -> None:
        self.name = name
        context = get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_train, args=(theirs, train, arguments), daemon=True)
        self._process.start()
        theirs.close()
        self._receive()

    def take_turn(self, seconds: float) -> Turn:
        """Let it train for about ``seconds``, to the end of an optimizer step."""
        self._line.send(seconds)
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


def _train(line: Connection, train: Callable[..., None], arguments: Sequence[Any]) -> None:
    train(*arguments, Clock(line))
