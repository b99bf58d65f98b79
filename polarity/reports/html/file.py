"""A chart of the pages as a file of its own, which any browser and drawing program opens."""

from pathlib import Path
from xml.etree.ElementTree import fromstring, tostring

from markupsafe import Markup

from polarity.files import write_text
from polarity.reports.html.charts.svg import element
from polarity.reports.html.page import chart_style

TITLE, BORDER = 26.0, 12.0


def write_chart(path: Path, title: str, picture: Markup) -> Path:
    """Write a chart with its title above it, whole or not at all; returns its path.

    Texts stay texts, so that the reader's own fonts draw every script.
    """
    tree = fromstring(picture)  # noqa: S314 - made by our own writer
    _, _, width, height = (float(number) for number in tree.attrib["viewBox"].split())
    width, height = max(width, 7.5 * len(title)) + 2 * BORDER, height + TITLE + 2 * BORDER
    del tree.attrib["class"]  # of the page, where charts are as wide as their place
    tree.attrib |= {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"{-BORDER:g} {-TITLE - BORDER:g} {width:g} {height:g}",
        "width": f"{width:g}",
        "height": f"{height:g}",
    }
    ground = {"x": -BORDER, "y": -TITLE - BORDER, "width": width, "height": height, "fill": "#ffffff"}
    for place, item in enumerate(
        (
            element("style", chart_style()),
            element("rect", **ground),
            element("text", title, class_="title", x=0, y=-TITLE + 12),
        )
    ):
        tree.insert(place + 1, item)
    text = tostring(tree, encoding="unicode")
    write_text(path, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n')
    return path
