"""Learning curves of many runs over each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from markupsafe import Markup

from polarity.reports.html.charts.dots import score_range
from polarity.reports.html.charts.panel import Panel
from polarity.reports.html.charts.series import STANDING, Point, path
from polarity.reports.html.charts.svg import element, picture

POINTS = 60
"""Of a line; more cannot be seen where there are hundreds of lines."""


@dataclass(frozen=True)
class Overlaid:
    """The curve of one run.

    :param points: epochs and scores.
    :param style: one of :data:`~polarity.reports.html.charts.series.STANDING`.
    :param cut: whether it ended early: its last point has a ring.
    :param said: shown when pointed at.
    """

    points: Sequence[Point]
    style: str
    cut: bool
    said: str


def overlaid(title: str, curves: Sequence[Overlaid], *, y_name: str, about: str) -> Markup:
    """One line a run."""
    known = [point for curve in curves for point in curve.points if isfinite(point[1])]
    epochs = [x for x, _ in known]
    first, last = (min(epochs), max(epochs)) if epochs else (1.0, 1.0)
    margin = 0.5 if first == last else 0.0
    panel = Panel((first - margin, last + margin), score_range([y for _, y in known]), "epoch", y_name, left=44)
    drawn = list(panel.frame(whole_x=True))
    for curve in sorted(curves, key=lambda curve: STANDING.index(curve.style)):
        places = [panel.at(x, y) for x, y in _thinned([point for point in curve.points if isfinite(point[1])])]
        if places:
            drawn.append(element("path", element("title", curve.said), class_=f"line {curve.style}", d=path(places)))
        if places and (curve.cut or len(places) == 1):
            (x, y), style = places[-1], "mark natural" if curve.cut else f"dot {curve.style}"
            drawn.append(element("circle", element("title", curve.said), class_=style, cx=x, cy=y, r=2.6))
    return picture(title, panel.width, panel.height, drawn, about)


def _thinned(points: Sequence[Point]) -> list[Point]:
    """Evenly spread points with the last one."""
    if len(points) <= POINTS:
        return list(points)
    step = (len(points) - 1) / (POINTS - 1)
    return [points[round(number * step)] for number in range(POINTS)]
