"""The frame of a chart: its scales, its grid, and the names of its axes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from polarity.reports.html.charts.names import CHARACTER_WIDTH, width
from polarity.reports.html.charts.scales import short, ticks
from polarity.reports.html.charts.series import Point
from polarity.reports.html.charts.svg import element, label

GAP = 6.0
"""Between the vertical axis and its marks."""


@dataclass(frozen=True)
class Panel:
    """One chart in its own units, which are pixels on a phone; it holds no more than fits there.

    :param x: lowest and highest value of the horizontal axis, and ``y`` of the vertical one.
    :param left: margin for the marks of the vertical axis; wider where they need more.
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

    def __post_init__(self) -> None:
        needed = GAP + CHARACTER_WIDTH * max(width(short(value)) for value in ticks(*self.y))
        object.__setattr__(self, "left", max(self.left, needed))

    def across(self, value: float) -> float:
        """Where a value lies from the left."""
        low, high = self.x
        return self.left + (value - low) / ((high - low) or 1) * (self.width - self.left - self.right)

    def down(self, value: float) -> float:
        """Where a value lies from the top."""
        low, high = self.y
        return self.height - self.bottom - (value - low) / ((high - low) or 1) * (self.height - self.top - self.bottom)

    def at(self, x: float, y: float) -> Point:
        """Where a point lies."""
        return self.across(x), self.down(y)

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
            yield label(self.left - GAP, y + 4, short(value), class_="tick", text_anchor="end")
        yield label(self.left - 28, 12, self.y_name, class_="name")

    def foot(self, marks: Mapping[float, str]) -> Iterator[Element]:
        """The horizontal axis with its name, and marks at their places from the left."""
        bottom, end = self.height - self.bottom, self.width - self.right
        for x, text in marks.items():
            yield element("line", class_="axis", x1=x, x2=x, y1=bottom, y2=bottom + 4)
            yield label(x, bottom + 16, text, class_="tick", text_anchor="middle")
        yield element("line", class_="axis", x1=self.left, x2=end, y1=bottom, y2=bottom)
        yield label(end, bottom + 31, self.x_name, class_="name", text_anchor="end")
