"""Scores against something else: a dot for each configuration, and what they come to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from markupsafe import Markup

from polarity.reports.html.charts.names import without_overlaps
from polarity.reports.html.charts.panel import Panel
from polarity.reports.html.charts.scales import around
from polarity.reports.html.charts.series import STANDING, Point, path
from polarity.reports.html.charts.svg import element, picture

SLACK = 0.05
"""Share of the width that is kept free on both sides, for the names of the first and the last mark."""
LEAST = 0.02
"""The smallest range of scores that is drawn."""


@dataclass(frozen=True)
class Dot:
    """A score.

    :param x: share of the width.
    :param low: lowest and ``high`` highest of the values that ``y`` is the mean of.
    :param style: one of :data:`~polarity.reports.html.charts.series.STANDING`.
    :param said: shown when pointed at.
    """

    x: float
    y: float
    low: float
    high: float
    style: str
    said: str


def dots(
    title: str,
    drawn: Sequence[Dot],
    marks: Mapping[float, str],
    *,
    x_name: str,
    y_name: str,
    about: str,
    line: Sequence[Point] = (),
    band: float | None = None,
) -> Markup:
    """One dot a score, with a line through what they come to.

    :param marks: names of places, by their share of the width.
    :param line: shares of the width, and scores.
    :param band: how far around the line chance alone takes a single score.
    """
    reach = band or 0.0
    values = [end for dot in drawn for end in (dot.low, dot.high)]
    values += [y + sign * reach for _, y in line for sign in (-1, 1)]
    panel = Panel((-SLACK, 1 + SLACK), score_range(values), x_name, y_name, left=44)
    content = list(panel.grid())
    content += panel.foot(without_overlaps({panel.across(x): text for x, text in marks.items()}))
    content += _line(panel, line, band)
    for dot in sorted(drawn, key=lambda dot: STANDING.index(dot.style)):
        x, y = panel.at(dot.x, dot.y)
        if dot.high > dot.low:
            content.append(element("line", class_="join", x1=x, x2=x, y1=panel.down(dot.low), y2=panel.down(dot.high)))
        size = 2.6 if dot.style == STANDING[0] else 4.2
        content.append(element("circle", element("title", dot.said), class_=f"dot {dot.style}", cx=x, cy=y, r=size))
    return picture(title, panel.width, panel.height, content, about)


def score_range(values: Sequence[float]) -> tuple[float, float]:
    """Round ends around all values, that do not spread what lies near together over the whole height."""
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    pad = max(0.0, LEAST - (high - low)) / 2
    ends = around(low - pad, high + pad, most=4)
    return ends[0], ends[-1]


def _line(panel: Panel, line: Sequence[Point], band: float | None) -> Iterator[Element]:
    if not line:
        return
    if band:
        upper = [panel.at(x, y + band) for x, y in line]
        lower = [panel.at(x, y - band) for x, y in reversed(line)]
        yield element("path", class_="heat", fill_opacity=0.4, d=f"{path([*upper, *lower])}Z")
    yield element("path", class_="line after", d=path([panel.at(x, y) for x, y in line]))
