"""How many rows have which length."""

from collections.abc import Sequence

from markupsafe import Markup

from polarity.reports.html.charts.panel import Panel
from polarity.reports.html.charts.scales import short
from polarity.reports.html.charts.svg import element, picture
from polarity.wording import times


def histogram(title: str, edges: Sequence[int], rows: Sequence[int], *, name: str, limit: int | None) -> Markup:
    """Bars of equal width, whatever their ends; what lies beyond ``limit`` has another colour.

    :param edges: where the bars begin, and one more, which the last of them does not reach.
    """
    panel = Panel((0, max(len(rows), 1)), (0, max(rows, default=0) * 1.05 or 1), name, "rows", height=200)
    drawn, sentences = list(panel.grid()), []
    for number, count in enumerate(rows):
        left, right = panel.across(number), panel.across(number + 1)
        beyond = limit is not None and edges[number] > limit
        box = {"x": left + 0.5, "y": panel.down(count), "width": max(right - left - 1, 0.5)}
        last = f" to {edges[number + 1] - 1:,}" if edges[number + 1] - 1 > edges[number] else ""
        sentence = f"{edges[number]:,}{last}: {times(count, 'row')}"
        sentences.append(sentence)
        height = panel.down(0) - panel.down(count)
        style = "count beyond" if beyond else "count"
        drawn.append(element("rect", element("title", sentence), class_=style, height=height, **box))
    step = max(1, -(-len(edges) // 7))
    drawn += panel.foot({panel.across(n): short(edges[n]) for n in range(0, len(edges), step)})
    return picture(title, panel.width, panel.height, drawn, "; ".join(sentences))
