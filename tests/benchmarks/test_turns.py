"""Sides of the speed comparison train in turn."""

import time

import pytest

from benchmarks.turns import Clock, Side, Turn


class FakeLine:
    def __init__(self, *orders: int | None) -> None:
        self.orders = list(orders)
        self.sent: list[Turn] = []

    def send(self, turn: Turn) -> None:
        self.sent.append(turn)

    def recv(self) -> int | None:
        return self.orders.pop(0)


def test_clock_counts_neither_the_first_step_nor_the_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    # looked at: first step, first turn begins, two steps, second turn begins, one step, the end begins
    times = iter([5.0, 100.0, 103.0, 110.0, 200.0, 209.0, 300.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(times))
    line = FakeLine(2, 1, None)
    clock = Clock(line)  # type: ignore[arg-type]
    assert [clock.stepped(48) for _ in range(4)] == [False, False, False, True]
    assert [(turn.rows, turn.seconds) for turn in line.sent] == [(0, 0.0), (96, 10.0), (48, 9.0)]
    assert 10 < line.sent[-1].memory < 10**6, "MiB"


def steps(rows: int, clock: Clock) -> None:
    while not clock.stepped(rows):
        time.sleep(0.01)


def test_sides_train_in_turn() -> None:
    with Side("first", steps, 3) as first, Side("second", steps, 5) as second:
        for side, rows in [(first, 3), (second, 5), (first, 3)]:
            turn = side.take_turn(4)
            assert turn.rows == 4 * rows
            assert turn.seconds >= 0.04


def fail(clock: Clock) -> None:
    raise SystemExit("no data")


def test_a_side_that_cannot_start_is_named() -> None:
    with pytest.raises(RuntimeError, match="process of broken ended"):
        Side("broken", fail)
