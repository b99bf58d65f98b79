"""Lines that can be told apart without colours: each has a colour, a dash and a marker of its own."""

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from xml.etree.ElementTree import Element

from markupsafe import Markup

from polarity.reports.html.charts.svg import element, markup

SERIES = 6
"""Lines that a chart holds beside the one that stands out; more cannot be told apart."""
DASHES = (None, "7 3", "2 3", "10 3 2 3", "4 2", "12 3")
MARKERS = (
    "M-3 0A3 3 0 1 0 3 0A3 3 0 1 0 -3 0Z",
    "M-2.7 -2.7H2.7V2.7H-2.7Z",
    "M0 -3.6L3.4 2.6H-3.4Z",
    "M0 -3.9L3.9 0L0 3.9L-3.9 0Z",
    "M0 3.6L3.4 -2.6H-3.4Z",
    "M-3.2 -1H-1V-3.2H1V-1H3.2V1H1V3.2H-1V1H-3.2Z",
)
"""Circle, square, triangle, diamond, triangle on its tip, cross; around (0, 0)."""

STANDING = ("faint", "sum", "after")
"""Classes of the style sheet for one of hundreds, in the order in which they are drawn: any, the best, and the
recommended one."""

Point = tuple[float, float]


def series_class(series: int) -> str:
    """Class of the style sheet that holds the colour of a series; -1 for the one that stands out of them."""
    return "sum" if series < 0 else f"s{series % SERIES}"


def line(points: Sequence[Point], series: int) -> Iterator[Element]:
    """A line of points in the chart's units; it has a gap where one is not finite."""
    drawn = path(points)
    if drawn:
        dash = DASHES[series % SERIES] if series >= 0 else None
        yield element("path", class_=f"line {series_class(series)}", d=drawn, stroke_dasharray=dash)


def path(points: Iterable[Point]) -> str:
    """The points as data of a path; it has a gap where one is not finite."""
    drawn, pen_is_down = "", False
    for x, y in points:
        known = isfinite(x) and isfinite(y)
        if known:
            drawn += f"{'L' if pen_is_down else 'M'}{x:.1f} {y:.1f}"
        pen_is_down = known
    return drawn


def marker(point: Point, series: int, *, style: str = "dot", said: str | None = None, size: float = 1) -> Element:
    """The series' marker.

    :param said: shown when pointed at.
    :param size: times that of the markers of a line.
    """
    place = f"translate({point[0]:.1f} {point[1]:.1f})" + (f" scale({size:g})" if size != 1 else "")
    about = None if said is None else element("title", said)
    return element(
        "path", about, class_=f"{style} {series_class(series)}", d=MARKERS[max(series, 0) % SERIES], transform=place
    )


def swatch(series: int) -> Markup:
    """The line of a legend, drawn as in the chart."""
    drawn = [*line([(1.0, 6.0), (33.0, 6.0)], series), marker((17.0, 6.0), series)]
    return markup(element("svg", *drawn, class_="swatch", width=34, height=12, aria_hidden="true"))
