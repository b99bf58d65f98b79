"""Precision against recall, and accuracy against confidence."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from markupsafe import Markup

from polarity.analysis import ClassResult, PrecisionRecall, ReliabilityBin
from polarity.reports.html.charts.panel import Panel
from polarity.reports.html.charts.series import SERIES, line, marker, path
from polarity.reports.html.charts.svg import element, picture
from polarity.wording import times


def worst_curves(curves: Sequence[PrecisionRecall]) -> list[PrecisionRecall]:
    """Those that one chart can hold: of the classes with the lowest average precision, in their own order."""
    known = [curve for curve in curves if curve.average_precision is not None]
    worst = sorted(known, key=lambda curve: curve.average_precision or 0.0)[:SERIES]
    return [curve for curve in known if curve in worst]


def precision_recall(title: str, curves: Sequence[PrecisionRecall], reached: Sequence[ClassResult] = ()) -> Markup:
    """One line a curve, and a marker where the decisions lie.

    :param curves: at most ``SERIES``.
    :param reached: scores of the decisions.
    """
    panel = Panel((0, 1), (0, 1), "recall", "precision", height=300)
    drawn, said = list(panel.frame()), []
    for number, curve in enumerate(curves):
        drawn += line([panel.at(x, y) for x, y in zip(curve.recall, curve.precision, strict=True)], number)
    decided = {item.name: item for item in reached}
    for number, curve in enumerate(curves):
        own = decided.get(curve.label)
        about = f"{curve.label}: average precision {curve.average_precision or 0.0:.2f}"
        if own is not None and own.recall.value is not None and own.precision.value is not None:
            about += f", decided at precision {own.precision.value:.2f} and recall {own.recall.value:.2f}"
            place = panel.at(own.recall.value, own.precision.value)
            drawn.append(marker(place, number, style="dot decided", said=about, size=1.6))
        said.append(about)
    return picture(title, panel.width, panel.height, drawn, "; ".join(said))


def reliability(title: str, before: Sequence[ReliabilityBin], after: Sequence[ReliabilityBin]) -> Markup:
    """Accuracy in bins of confidence: on the diagonal, probabilities mean what they say. Bars below count rows."""
    panel = Panel((0, 1), (0, 1), "confidence", "accuracy", height=314, bottom=96)
    drawn, said = list(panel.frame()), []
    ideal = {"x1": panel.across(0), "y1": panel.down(0), "x2": panel.across(1), "y2": panel.down(1)}
    drawn.append(element("line", class_="ideal", **ideal))
    for bins, style in ((before, "before"), (after, "after")):
        used = [item for item in bins if item.rows and item.confidence is not None and item.accuracy is not None]
        points = [panel.at(item.confidence or 0.0, item.accuracy or 0.0) for item in used]
        if points:
            drawn.append(element("path", class_=f"line {style}", d=path(points)))
        most = max((item.rows for item in used), default=1)
        for item, (x, y) in zip(used, points, strict=True):
            about = f"{style} calibration, {item.low:.2f} to {item.high:.2f}: {times(item.rows, 'row')}, "
            about += f"confidence {item.confidence:.2f}, accuracy {item.accuracy:.2f}"
            said.append(about)
            radius = 2.2 + 3.2 * (item.rows / most) ** 0.5
            drawn.append(element("circle", element("title", about), class_=f"dot {style}", cx=x, cy=y, r=radius))
    drawn += _histogram(panel, after or before)
    return picture(title, panel.width, panel.height, drawn, "; ".join(said))


def _histogram(panel: Panel, bins: Sequence[ReliabilityBin]) -> list[Element]:
    floor, room = panel.height - 4.0, 50.0
    most = max((item.rows for item in bins), default=0) or 1
    drawn = []
    for item in bins:
        left, right, high = panel.across(item.low), panel.across(item.high), room * item.rows / most
        box = {"x": left + 0.5, "y": floor - high, "width": max(right - left - 1, 0.5), "height": high}
        said = f"{item.low:.2f} to {item.high:.2f}: {times(item.rows, 'row')}"
        drawn.append(element("rect", element("title", said), class_="count", **box))
    return drawn
