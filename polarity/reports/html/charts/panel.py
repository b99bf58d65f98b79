"""The frame of a chart: scales, grid, ticks and the names of the axes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from xml.etree.ElementTree import Element

from matplotlib.ticker import MaxNLocator

from polarity.reports.html.charts.svg import element, label

SERIES = 8
"""Colours of the style sheet; further series repeat them, drawn with other dashes."""
DASHES = (None, "6 3", "2 3")


@dataclass(frozen=True)
class Panel:
    """One chart in its own units, which are pixels on a phone; it holds no more than fits there.

    :param x: lowest and highest value of the horizontal axis, and ``y`` of the vertical one.
    :param right: margin for what is written beside the lines.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    x_name: str
    y_name: str
    width: float = 360
    height: float = 236
    left: float = 36
    right: float = 14
    top: float = 26
    bottom: float = 36

    def across(self, value: float) -> float:
        """Where a value lies from the left."""
        low, high = self.x
        return self.left + (value - low) / ((high - low) or 1) * (self.width - self.left - self.right)

    def down(self, value: float) -> float:
        """Where a value lies from the top."""
        low, high = self.y
        return self.height - self.bottom - (value - low) / ((high - low) or 1) * (self.height - self.top - self.bottom)

    def frame(self, *, whole_x: bool = False) -> Iterator[Element]:
        """Grid, ticks and names of both axes.

        :param whole_x: ticks of the horizontal axis only at whole numbers.
        """
        yield from self.grid()
        yield from self.foot({self.across(value): short(value) for value in ticks(*self.x, whole=whole_x)})

    def grid(self) -> Iterator[Element]:
        """Lines and ticks of the vertical axis, and its name."""
        for value in ticks(*self.y):
            y = self.down(value)
            yield element("line", class_="grid", x1=self.left, x2=self.width - self.right, y1=y, y2=y)
            yield label(self.left - 6, y + 4, short(value), class_="tick", text_anchor="end")
        yield label(self.left - 28, 12, self.y_name, class_="name")

    def foot(self, marks: Mapping[float, str]) -> Iterator[Element]:
        """The horizontal axis with its name, and marks at their places from the left."""
        bottom, end = self.height - self.bottom, self.width - self.right
        for x, text in marks.items():
            yield element("line", class_="axis", x1=x, x2=x, y1=bottom, y2=bottom + 4)
            yield label(x, bottom + 16, text, class_="tick", text_anchor="middle")
        yield element("line", class_="axis", x1=self.left, x2=end, y1=bottom, y2=bottom)
        yield label(end, bottom + 31, self.x_name, class_="name", text_anchor="end")

    def line(self, xs: Sequence[float], ys: Sequence[float], series: int, *, dots: bool = False) -> Iterator[Element]:
        """One line; where a value is not finite it has a gap."""
        path, pen_is_down = [], False
        points = [(self.across(x), self.down(y)) if isfinite(x) and isfinite(y) else None
                  for x, y in zip(xs, ys, strict=True)]  # fmt: skip
        for point in points:
            if point is not None:
                path.append(f"{'L' if pen_is_down else 'M'}{point[0]:.1f} {point[1]:.1f}")
            pen_is_down = point is not None
        colour = series_class(series)
        if path:
            dash = DASHES[series // SERIES % len(DASHES)] if series >= 0 else None
            yield element("path", class_=f"line {colour}", d="".join(path), stroke_dasharray=dash)
        if dots:
            yield from (
                element("circle", class_=f"dot {colour}", cx=point[0], cy=point[1], r=2.6) for point in points if point
            )


def series_class(series: int) -> str:
    """Class of the style sheet that holds the colour of a series; -1 for the one that stands out of them."""
    return "sum" if series < 0 else f"s{series % SERIES}"


def ticks(low: float, high: float, *, most: int = 5, whole: bool = False) -> list[float]:
    """Round values between two ends."""
    slack = (high - low) * 1e-9
    found = around(low, high, most=most, whole=whole)
    return [value for value in found if low - slack <= value <= high + slack]


def around(low: float, high: float, *, most: int = 5, whole: bool = False) -> list[float]:
    """Round values of which the first is not above ``low``, and the last not below ``high``."""
    locator = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10], integer=whole, min_n_ticks=1)
    return [float(value) for value in locator.tick_values(low, high)]


def short(value: float) -> str:
    """A tick's value without needless digits, thousands as k."""
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    return f"{0.0 if abs(value) < 1e-12 else value:.6g}".replace("-", "\u2212")


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
