"""Tables of counts as fields of colour: confusion matrices and joint counts."""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from markupsafe import Markup

from polarity.reports.html.charts.svg import CHARACTER_WIDTH, element, fitted, label, picture

LEFT, WIDTH, GAP = 96.0, 360.0, 2.0


def matrix(
    title: str,
    counts: Sequence[Sequence[int]],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    row_name: str,
    column_name: str,
) -> Markup:
    """Counts, coloured by their share of the row; a row without any stays empty."""
    size = min((WIDTH - LEFT - 4) / max(len(columns), 1), 84.0)
    slanted = any(len(name) * CHARACTER_WIDTH > size - 4 for name in columns)
    if slanted:  # the last name reaches out to the right
        size = min(size, (WIDTH - LEFT - 52) / len(columns))
    height = max(min(size, 58.0), 20.0)
    top = 84.0 if slanted else 44.0
    total_width = LEFT + size * len(columns) + 4
    hits = list(rows) == list(columns)  # then the diagonal holds what was right
    drawn = [label(0, 12, f"{row_name} ↓   {column_name} →", class_="name", room=WIDTH)]
    for c, name in enumerate(columns):
        drawn.append(_column_name(LEFT + size * (c + 0.5), top - 8, name, slanted=slanted))
    for r, name in enumerate(rows):
        y = top + height * r
        drawn.append(label(LEFT - 8, y + height / 2 + 4, name, room=LEFT - 10, class_="tick", text_anchor="end"))
        whole = sum(counts[r])
        for c, count in enumerate(counts[r]):
            share = count / whole if whole else 0.0
            about = f"{row_name} {name}, {column_name} {columns[c]}: {count:,} ({share:.1%})"
            drawn += _cell(LEFT + size * c, y, size - GAP, height - GAP, count, share, about, stressed=r == c and hits)
    return picture(title, max(total_width, WIDTH), top + height * len(rows) + 2, drawn)


def _column_name(x: float, y: float, name: str, *, slanted: bool) -> Element:
    if not slanted:
        return label(x, y, name, class_="tick", text_anchor="middle")
    turn = f"rotate(-40 {x:.1f} {y:.1f})"
    return label(x - 4, y, fitted(name, 76), class_="tick", transform=turn)


def _cell(
    x: float, y: float, width: float, height: float, count: int, share: float, about: str, *, stressed: bool
) -> Iterator[Element]:
    box = {"x": x, "y": y, "width": width, "height": height, "rx": 2}
    yield element("rect", class_="cell", **box)
    yield element("rect", element("title", about), class_="heat", fill_opacity=round(share, 3), **box)
    middle, centre = x + width / 2, y + height / 2
    weight = " hit" if stressed else ""
    if width >= 44 and height >= 36:
        yield label(middle, centre - 1, f"{share:.0%}", class_=f"big{weight}", text_anchor="middle")
        yield label(middle, centre + 15, f"{count:,}", class_="small", text_anchor="middle")
    elif width >= 22:
        yield label(middle, centre + 4, f"{share * 100:.0f}", class_=f"small{weight}", text_anchor="middle")
