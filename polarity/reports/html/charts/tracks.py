"""Values and intervals on one line each, as wide as their place: the rows of dot plots and of tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from xml.etree.ElementTree import Element

from markupsafe import Markup

from polarity.reports.html.charts.scales import around, short
from polarity.reports.html.charts.svg import element, label, markup

HEIGHT = 20
LEAST = 0.02
"""Values that lie nearer together than this are not spread over the whole width."""


@dataclass(frozen=True)
class Axis:
    """What all tracks of a table have in common.

    :param ticks: round values; all others lie between the first and the last.
    :param reference: a value that a line marks, such as no difference.
    """

    ticks: tuple[float, ...]
    reference: float | None = None

    def at(self, value: float) -> str:
        """Where a value lies, in per cent of the width; a little is kept free on both sides for the dots."""
        low, high = self.ticks[0], self.ticks[-1]
        share = min(max((value - low) / ((high - low) or 1.0), 0.0), 1.0)
        return f"{3 + 94 * share:.2f}%"


def axis_of(values: Sequence[float | None], *, reference: float | None = None) -> Axis:
    """The narrowest axis with round ends that holds all values and the reference."""
    known = [value for value in values if value is not None and isfinite(value)]
    known += [] if reference is None else [reference]
    if not known:
        return Axis((0.0, 1.0), reference)
    low, high = min(known), max(known)
    if high - low < LEAST:  # without this, noise would fill the width
        low, high = low - LEAST / 2 * (low >= LEAST / 2), high + LEAST / 2
    return Axis(tuple(around(low, high, most=4)), reference)


def track(
    axis: Axis,
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    *,
    style: str = "",
    others: Sequence[float] = (),
) -> Markup:
    """A dot and its interval.

    :param style: a class of the style sheet, such as ``own`` for the model or ``good``.
    :param others: further values, drawn small, such as single seeds.
    """
    middle = HEIGHT / 2
    drawn = _grid(axis)
    if low is not None and high is not None and isfinite(low) and isfinite(high):
        drawn.append(element("line", class_="reach", x1=axis.at(low), x2=axis.at(high), y1=middle, y2=middle))
    drawn += [element("circle", class_="other", cx=axis.at(item), cy=middle, r=2.5) for item in others]
    if value is not None and isfinite(value):
        drawn.append(element("circle", class_="value", cx=axis.at(value), cy=middle, r=4))
    svg = element("svg", *drawn, class_=f"track {style}".strip(), width="100%", height=HEIGHT, aria_hidden="true")
    return markup(svg)  # hidden from readers of the screen, since the numbers stand beside it


def scale(axis: Axis) -> Markup:
    """The ticks that stand above the tracks of a table."""
    anchors = ["start", *["middle"] * (len(axis.ticks) - 2), "end"]  # so that neither end reaches out of its cell
    drawn = [
        label(axis.at(value), 12, short(value), class_="tick", text_anchor=anchor)
        for value, anchor in zip(axis.ticks, anchors, strict=True)
    ]
    svg = markup(element("svg", *drawn, class_="track scale", width="100%", height=16, aria_hidden="true"))
    return Markup('<span class="unseen">as a chart</span>') + svg


def marks(axis: Axis, values: Sequence[tuple[str, float]]) -> Markup:
    """Several values on one line, joined by a thin one: ``(style, value)``, the last one on top."""
    middle = HEIGHT / 2
    known = [(style, value) for style, value in values if isfinite(value)]
    drawn = _grid(axis)
    if known:
        ends = [value for _, value in known]
        drawn.append(element("line", class_="join", x1=axis.at(min(ends)), x2=axis.at(max(ends)), y1=middle, y2=middle))
    drawn += [element("circle", class_=f"mark {style}", cx=axis.at(v), cy=middle, r=4) for style, v in known]
    return markup(element("svg", *drawn, class_="track", width="100%", height=HEIGHT, aria_hidden="true"))


def bar(value: float, most: float, *, style: str = "") -> Markup:
    """A bar from the left."""
    width = f"{100 * value / most if most else 0:.2f}%"
    drawn = element("rect", class_="bar", x=0, y=5, width=width, height=HEIGHT - 10)
    return markup(
        element("svg", drawn, class_=f"track {style}".strip(), width="100%", height=HEIGHT, aria_hidden="true")
    )


def _grid(axis: Axis) -> list[Element]:
    drawn = [
        element("line", class_="grid", x1=axis.at(value), x2=axis.at(value), y1=0, y2=HEIGHT) for value in axis.ticks
    ]
    if axis.reference is not None:
        at = axis.at(axis.reference)
        drawn.append(element("line", class_="reference", x1=at, x2=at, y1=0, y2=HEIGHT))
    return drawn
