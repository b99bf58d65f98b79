"""SVG elements as trees, so that every text and every attribute is escaped when they are written out."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

from markupsafe import Markup

from polarity.reports.html.text import printable

CHARACTER_WIDTH = 6.1
"""Mean width of a character of the charts' text, in their units; only for fitting labels into their places."""


def element(tag: str, *content: Element | str | None, **attributes: object) -> Element:
    """An element. ``class_`` stands for ``class``, ``text_anchor`` for ``text-anchor``; None is left out."""
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value is not None}
    made = Element(tag, {name: _written(value) for name, value in named.items()})
    for item in content:
        if isinstance(item, str):
            made.text = (made.text or "") + printable(item)
        elif item is not None:
            made.append(item)
    return made


def picture(title: str, width: float, height: float, content: Iterable[Element]) -> Markup:
    """A picture that scales to its place and says to those who cannot see it what it shows."""
    return markup(
        element(
            "svg",
            element("title", title),
            *content,
            viewBox=f"0 0 {_written(width)} {_written(height)}",
            role="img",
            class_="chart",
        )
    )


def markup(tree: Element) -> Markup:
    """The tree as text that is safe to put into a page."""
    return Markup(tostring(tree, encoding="unicode"))  # noqa: S704 - the tree's writer has escaped everything


def label(x: float | str, y: float, text: str, *, room: float | None = None, **attributes: object) -> Element:
    """A text; one that is wider than its room is cut, and shown whole when pointed at."""
    shown = text if room is None else fitted(text, room)
    return element("text", shown, None if shown == text else element("title", text), x=x, y=y, **attributes)


def fitted(text: str, room: float) -> str:
    """The text, or as much of it as there is room for."""
    most = max(int(room / CHARACTER_WIDTH), 2)
    return text if len(text) <= most else text[: most - 1] + "…"


def _written(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else printable(str(value))
