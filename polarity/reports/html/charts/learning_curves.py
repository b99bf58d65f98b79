"""Scores, losses and other numbers over the epochs."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from xml.etree.ElementTree import Element

from markupsafe import Markup

from polarity.reports.html.charts.names import CHARACTER_WIDTH, shortened
from polarity.reports.html.charts.panel import Panel
from polarity.reports.html.charts.scales import apart, scientific
from polarity.reports.html.charts.series import line, marker
from polarity.reports.html.charts.svg import element, label, picture

Lines = Mapping[str, Sequence[float]]
LINE, FEW = 14.0, 20
"""Distance of labels, and epochs up to which each has its marker."""


def learning_curves(
    title: str,
    epochs: Sequence[float],
    lines: Lines,
    *,
    y_name: str,
    total: str | None,
    best: float | None,
    x_name: str = "epoch",
) -> Markup:
    """One line a name, each named at its end.

    :param lines: values by name, one for each epoch; NaN leaves a gap. At most ``SERIES`` beside the total.
    :param total: the line that stands out, such as macro-F1.
    :param best: the epoch whose weights were kept.
    """
    finite = [value for values in lines.values() for value in values if isfinite(value)]
    highest = 1.0 if y_name == "F1" or not finite else 1.05 * max(0.0, *finite)
    first, last = (min(epochs), max(epochs)) if epochs else (0.0, 1.0)
    margin = 0.5 if first == last else 0.0
    panel = Panel(
        (first - margin, last + margin), (min(0.0, *finite, 0.0), highest), x_name, y_name, left=44, right=124
    )
    drawn = list(panel.frame(whole_x=True))
    if best is not None and first <= best <= last:
        drawn += _kept(panel, panel.across(best))
    series = {name: number for number, name in enumerate(name for name in lines if name != total)}
    for name, values in lines.items():
        points = [panel.at(x, y) for x, y in zip(epochs, values, strict=True)]
        number = series.get(name, -1)
        drawn += line(points, number)
        if len(epochs) <= FEW:
            drawn += [marker(point, number) for point in points if isfinite(point[1])]
    drawn += _ends(panel, lines, series)
    return picture(title, panel.width, panel.height, drawn, "; ".join(_said(x_name, epochs, lines)))


def rounded(value: float) -> str:
    """A number of any size in few digits."""
    if abs(value) >= 10:
        return f"{value:,.0f}"
    if 0 < abs(value) < 1e-3:
        return scientific(value, 2)
    return f"{value:.2f}" if value == 0 or abs(value) >= 0.1 else f"{value:.2g}"


def _kept(panel: Panel, x: float) -> Iterator[Element]:
    yield element("line", class_="best", x1=x, x2=x, y1=panel.top, y2=panel.height - panel.bottom)
    anchor = "end" if x > panel.width - panel.right - 40 else "start"
    yield label(x + (-4 if anchor == "end" else 4), panel.top - 2, "kept", class_="tick", text_anchor=anchor)


def _ends(panel: Panel, lines: Lines, series: Mapping[str, int]) -> Iterator[Element]:
    """Names and last values beside the lines, each with its marker."""
    last = {name: [value for value in values if isfinite(value)][-1:] for name, values in lines.items()}
    ends = {name: values[0] for name, values in last.items() if values}
    low, high = panel.top + 4, panel.height - panel.bottom
    spread = min(LINE, (high - low) / max(len(ends) - 1, 1))
    places = apart([panel.down(value) for value in ends.values()], spread, low, high)
    x = panel.width - panel.right + 12
    values = {name: rounded(value) for name, value in ends.items()}
    room = panel.right - 19 - CHARACTER_WIDTH * (max(map(len, values.values()), default=0) + 1)
    for name, text, y in zip(ends, shortened(list(ends), room), places, strict=True):
        yield marker((x, y), series.get(name, -1))
        style = "end" if name in series else "end sum"
        said = f"{text} {values[name]}" if len(lines) > 1 else values[name]
        yield label(x + 7, y + 4, said, whole=name if text != name else None, class_=style)


def _said(x_name: str, epochs: Sequence[float], lines: Lines) -> Iterator[str]:
    for name, values in lines.items():
        known = [(epoch, value) for epoch, value in zip(epochs, values, strict=True) if isfinite(value)]
        if known:
            highest = max(known, key=lambda item: item[1])
            yield (
                f"{name}: {rounded(known[0][1])} in {x_name} {known[0][0]:g}, {rounded(known[-1][1])} in {x_name} "
                f"{known[-1][0]:g}, highest {rounded(highest[1])} in {x_name} {highest[0]:g}"
            )
