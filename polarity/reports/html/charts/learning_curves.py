"""Scores and losses over the epochs."""

from collections.abc import Mapping, Sequence
from math import isfinite

from markupsafe import Markup

from polarity.reports.html.charts.panel import Panel, apart, series_class
from polarity.reports.html.charts.svg import element, fitted, label, picture

Lines = Mapping[str, Sequence[float]]


def learning_curves(
    title: str, epochs: Sequence[float], lines: Lines, *, y_name: str, total: str | None, best: float | None
) -> Markup:
    """One line a name, each named at its end.

    :param lines: values by name, one for each epoch; NaN leaves a gap.
    :param total: the line that stands out, such as macro-F1.
    :param best: the epoch whose weights were kept.
    """
    finite = [value for values in lines.values() for value in values if isfinite(value)]
    highest = 1.0 if y_name == "F1" else max(finite, default=1.0) * 1.05 or 1.0
    first, last = (min(epochs), max(epochs)) if epochs else (0.0, 1.0)
    margin = 0.5 if first == last else 0.0
    panel = Panel((first - margin, last + margin), (min(0.0, *finite, 0.0), highest), "epoch", y_name, right=104)
    drawn = list(panel.frame(whole_x=True))
    if best is not None and first <= best <= last:
        x = panel.across(best)
        drawn.append(element("line", class_="best", x1=x, x2=x, y1=panel.top, y2=panel.height - panel.bottom))
        anchor = "end" if x > panel.width - panel.right - 40 else "start"
        drawn.append(
            label(x + (-4 if anchor == "end" else 4), panel.top - 2, "kept", class_="tick", text_anchor=anchor)
        )
    numbers = {name: number for number, name in enumerate(name for name in lines if name != total)}
    ends = []
    for name, values in lines.items():
        series = -1 if name == total else numbers[name]
        drawn += panel.line(epochs, values, series, dots=len(epochs) <= 20)
        known = [value for value in values if isfinite(value)]
        if known:
            ends.append((name, series, panel.down(known[-1]), known[-1]))
    low, high = panel.top + 4, panel.height - panel.bottom
    spread = min(14.0, (high - low) / max(len(ends) - 1, 1))
    places = apart([end[2] for end in ends], spread, low, high)
    for (name, series, _, value), y in zip(ends, places, strict=True):
        x = panel.width - panel.right + 8
        text = f"{fitted(name, 64)} {value:.2f}"
        about = None if text.startswith(name) else element("title", name)
        drawn.append(element("text", text, about, x=x, y=y + 4, class_=f"end {series_class(series)}"))
    return picture(title, panel.width, panel.height, drawn)
