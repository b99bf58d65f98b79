"""Tables of counts as fields of colour, for files; pages show them as tables."""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from markupsafe import Markup

from polarity.reports.html.charts.names import shortened
from polarity.reports.html.charts.svg import element, label, picture

ROOM, GAP = 150.0, 2.0
"""For names, and between cells."""


def matrix(
    title: str, counts: Sequence[Sequence[int]], names: Sequence[str], *, row_name: str, column_name: str
) -> Markup:
    """Counts of labels (rows) and decisions (columns), coloured by their share of the row.

    The picture grows with the number of classes, so that names and numbers can be read whatever it is.
    """
    width, height = (62.0, 44.0) if len(names) <= 8 else (34.0, 24.0)
    top, shown = 26 + ROOM * 0.72, shortened(names, ROOM - 12)
    drawn = [label(0, 12, f"{row_name} ↓   {column_name} →", class_="name")]
    for c, name in enumerate(names):
        x, y = ROOM + width * (c + 0.5) - 4, top - 8
        turn = f"rotate(-45 {x:.1f} {y:.1f})"
        drawn.append(label(x, y, shown[c], whole=name, class_="tick", transform=turn))
    for r, name in enumerate(names):
        y = top + height * r
        drawn.append(label(ROOM - 8, y + height / 2 + 4, shown[r], whole=name, class_="tick", text_anchor="end"))
        whole = sum(counts[r])
        for c, count in enumerate(counts[r]):
            share = count / whole if whole else 0.0
            about = f"{row_name} {name}, {column_name} {names[c]}: {count:,} ({share:.1%})"
            place = (ROOM + width * c, y, width - GAP, height - GAP)
            drawn += _cell(place, count, share, about, stressed=r == c)
    slanted = 0.75 * ROOM  # the last name reaches out to the right
    return picture(title, ROOM + width * len(names) + slanted, top + height * len(names) + 2, drawn)


def _cell(
    place: tuple[float, float, float, float], count: int, share: float, about: str, *, stressed: bool
) -> Iterator[Element]:
    x, y, width, height = place
    box = {"x": x, "y": y, "width": width, "height": height, "rx": 2}
    yield element("rect", class_="cell", **box)
    yield element("rect", element("title", about), class_="heat", fill_opacity=round(share, 3), **box)
    middle, centre, weight = x + width / 2, y + height / 2, " hit" if stressed else ""
    if height >= 36:
        yield label(middle, centre - 1, f"{share:.0%}", class_=f"big{weight}", text_anchor="middle")
        yield label(middle, centre + 15, f"{count:,}", class_="small", text_anchor="middle")
    elif count:
        yield label(middle, centre + 4, f"{count:,}", class_=f"small{weight}", text_anchor="middle")
