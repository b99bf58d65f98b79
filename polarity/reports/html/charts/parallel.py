"""Parallel coordinates: an axis a setting, and a line for each configuration through its values to its score."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from markupsafe import Markup

from polarity.reports.html.charts.names import shortened, without_overlaps
from polarity.reports.html.charts.series import STANDING, path
from polarity.reports.html.charts.svg import element, label, picture

WIDTH, SIDE, STEP, TOP = 360.0, 12.0, 80.0, 26.0
"""Of the picture, its margins, the distance of axes, and the first axis from the top. One below the other, any number
of axes has room on a phone."""


@dataclass(frozen=True)
class Threaded:
    """A line through all axes.

    :param places: share of the width on each axis; NaN where it has no value.
    :param style: one of :data:`~polarity.reports.html.charts.series.STANDING`.
    :param said: shown when pointed at.
    """

    places: Sequence[float]
    style: str
    said: str


def parallel(
    title: str, axes: Sequence[tuple[str, Mapping[float, str]]], lines: Sequence[Threaded], about: str
) -> Markup:
    """The axes from the top to the bottom.

    :param axes: name of each, and its marks by their share of the width.
    """
    drawn: list[Element] = []
    for line in sorted(lines, key=lambda line: STANDING.index(line.style)):
        points = [(_across(share), _down(number)) for number, share in enumerate(line.places)]
        drawn.append(element("path", element("title", line.said), class_=f"line {line.style}", d=path(points)))
    for number, (name, marks) in enumerate(axes):
        drawn += _axis(_down(number), name, marks)
    return picture(title, WIDTH, _down(len(axes) - 1) + 24, drawn, about)


def _across(share: float) -> float:
    return SIDE + share * (WIDTH - 2 * SIDE)


def _down(number: int) -> float:
    return TOP + STEP * number


def _axis(y: float, name: str, marks: Mapping[float, str]) -> Iterator[Element]:
    yield element("line", class_="axis", x1=SIDE, x2=WIDTH - SIDE, y1=y, y2=y)
    (shown,) = shortened([name], WIDTH - 2 * SIDE)
    yield label(SIDE, y - 8, shown, whole=name, class_="over name")
    for x, text in without_overlaps({_across(share): text for share, text in marks.items()}, WIDTH).items():
        yield element("line", class_="axis", x1=x, x2=x, y1=y, y2=y + 4)
        yield label(x, y + 16, text, class_="over tick", text_anchor=_anchor(x))


def _anchor(x: float) -> str:
    """So that no mark reaches out of the picture."""
    edge = SIDE + 0.08 * WIDTH
    return "start" if x < edge else "end" if x > WIDTH - edge else "middle"
