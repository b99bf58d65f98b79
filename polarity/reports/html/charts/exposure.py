"""How often rows of each class were shown, for files; pages show it as a table."""

from collections.abc import Sequence

from markupsafe import Markup

from polarity.reports.html.charts.names import shortened
from polarity.reports.html.charts.panel import Panel
from polarity.reports.html.charts.scales import around, short, ticks
from polarity.reports.html.charts.svg import element, label, picture

KINDS = {"natural": "in the data", "expected": "expected an epoch", "realised": "shown"}
LINE, LEGEND = 22.0, 24.0


def exposure(title: str, names: Sequence[str], rows: Sequence[tuple[float, float, float]]) -> Markup:
    """A line a class: its rows in the data, expected an epoch, and shown in the mean epoch."""
    most = around(0.0, max((value for row in rows for value in row), default=1.0))[-1]
    height = LEGEND + LINE * len(names) + 40
    panel = Panel((0, most), (0, 1), "rows", "", width=480, height=height, left=150, top=LEGEND, right=20)
    drawn = list(panel.foot({panel.across(value): short(value) for value in ticks(0.0, most)}))
    for number, (style, text) in enumerate(KINDS.items()):
        x = 90 + 130.0 * number
        drawn += [element("circle", class_=f"mark {style}", cx=x, cy=9, r=4), label(x + 8, 13, text, class_="tick")]
    for number, (name, shown, row) in enumerate(zip(names, shortened(names, 138), rows, strict=True)):
        y = LEGEND + LINE * (number + 0.5)
        drawn.append(label(142, y + 4, shown, whole=name, class_="tick", text_anchor="end"))
        drawn.append(element("line", class_="join", x1=panel.across(min(row)), x2=panel.across(max(row)), y1=y, y2=y))
        drawn += [
            element("circle", element("title", f"{name}, {text}: {value:,.0f}"),
                    class_=f"mark {style}", cx=panel.across(value), cy=y, r=4)
            for (style, text), value in zip(KINDS.items(), row, strict=True)
        ]  # fmt: skip
    said = [f"{name}: {row[0]:,.0f} in the data, {row[2]:,.0f} shown" for name, row in zip(names, rows, strict=True)]
    return picture(title, panel.width, panel.height, drawn, "; ".join(said))
