"""Round values on an axis, and places of labels beside it."""

from collections.abc import Sequence
from math import ceil, floor, log10

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
SLACK = 1e-10
"""Share of a step by which rounding may have moved an end."""


def ticks(low: float, high: float, *, most: int = 5, whole: bool = False) -> list[float]:
    """Round values between two ends.

    :param whole: only whole numbers.
    """
    slack = (high - low) * 1e-9
    found = around(low, high, most=most, whole=whole)
    return [value for value in found if low - slack <= value <= high + slack]


def around(low: float, high: float, *, most: int = 5, whole: bool = False) -> list[float]:
    """Round values, at least two, of which the first is not above ``low``, and the last not below ``high``."""
    least = ((high - low) or 1.0) / most
    if whole:
        least = max(least, 1.0)
    magnitude = 10.0 ** floor(log10(least))
    steps = (size * magnitude for size in STEPS if not whole or (size * magnitude).is_integer())
    step = next(size for size in steps if size >= least * (1 - SLACK))
    first, last = floor(low / step + SLACK), ceil(high / step - SLACK)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def short(value: float) -> str:
    """A tick's value without needless digits, thousands as k and millions as M."""
    if 1e4 <= abs(value) < 1e6:
        return f"{value / 1e3:g}k"
    if 1e6 <= abs(value) < 1e9:
        return f"{value / 1e6:g}M"
    if 1e-12 <= abs(value) < 1e-3:
        return scientific(value, 6)
    return f"{0.0 if abs(value) < 1e-12 else value:.6g}".replace("-", "\u2212")


def scientific(value: float, digits: int) -> str:
    """A small number in few characters, such as 1.5e\u22124."""
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    return f"{float(mantissa):g}e{int(exponent)}".replace("-", "\u2212")


def apart(places: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """Places of labels moved so that none lies nearer to the next than ``least``, in the same order."""
    order = sorted(range(len(places)), key=lambda number: places[number])
    moved = list(places)
    edge = low
    for number in order:
        moved[number] = max(moved[number], edge)
        edge = moved[number] + least
    edge = high
    for number in reversed(order):
        moved[number] = min(moved[number], edge)
        edge = moved[number] - least
    return moved
