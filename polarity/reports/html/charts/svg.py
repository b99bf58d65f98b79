"""SVG elements as trees, so that every text and every attribute is escaped when they are written out."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

from markupsafe import Markup

from polarity.reports.html.text import replace_forbidden


def element(tag: str, *content: Element | str | None, **attributes: object) -> Element:
    """An element. ``class_`` stands for ``class``, ``text_anchor`` for ``text-anchor``; None is left out."""
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value is not None}
    made = Element(tag, {name: _written(value) for name, value in named.items()})
    for item in content:
        if isinstance(item, str):
            made.text = (made.text or "") + replace_forbidden(item)
        elif item is not None:
            made.append(item)
    return made


def picture(title: str, width: float, height: float, content: Iterable[Element], about: str = "") -> Markup:
    """A picture that scales to its place and says to those who cannot see it what it shows.

    :param about: its content in words.
    """
    described = [element("desc", about)] if about else []
    size = {"viewBox": f"0 0 {_written(width)} {_written(height)}"}
    return markup(element("svg", element("title", title), *described, *content, **size, role="img", class_="chart"))


def markup(tree: Element) -> Markup:
    """The tree as text that is safe to put into a page."""
    return Markup(tostring(tree, encoding="unicode"))  # noqa: S704 - the tree's writer has escaped everything


def label(x: float | str, y: float, text: str, *, whole: str | None = None, **attributes: object) -> Element:
    """A text.

    :param whole: what is shown when pointed at, where the text is but a part of it.
    """
    return element("text", text, None if whole in (None, text) else element("title", whole), x=x, y=y, **attributes)


def _written(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else replace_forbidden(str(value))
