"""Names where there is little room: cut so that each can still be told from the others, in any script."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import inf
from unicodedata import bidirectional, category, east_asian_width

CHARACTER_WIDTH = 6.1
"""Mean width of a Latin character of the charts' text, in their units; only for fitting names into their places."""


def shortened(names: Sequence[str], room: float) -> list[str]:
    """Names as they are, or with their middle left out where they are wider than ``room``.

    Different names stay different: what is left out lies where names that would be cut alike are alike, and where
    that is not possible they are numbered.
    """
    most = max(int(room / CHARACTER_WIDTH), 3)
    for head in (most * 3 // 5, most // 3, most - 2, 1):
        shown = {name: _cut(name, head, most) for name in names}
        if len(set(shown.values())) == len(shown):
            break
    else:
        clashing = Counter(shown.values())
        for number, (name, text) in enumerate(shown.items(), 1):
            if clashing[text] > 1:
                tail = f"#{number}"
                shown[name] = f"{_begin(text.rstrip('…'), most - len(tail) - 1)}…{tail}"
    return [isolated(shown[name]) for name in names]


def without_overlaps(marks: Mapping[float, str], end: float = inf) -> dict[float, str]:
    """Marks by their places, without those that would be written over the one before; the last one always stays.

    :param end: right edge, at which a mark is moved to the left; so it is at the left one.
    """
    spans = {}
    for x in sorted(marks):
        half = CHARACTER_WIDTH * (width(marks[x]) + 1) / 2
        centre = min(max(x, half if end < inf else x), end - half)
        spans[x] = (centre - half, centre + half)
    kept: list[float] = []
    last = max(spans, default=0.0)
    for x, (left, right) in spans.items():
        after = not kept or left >= spans[kept[-1]][1]
        if x == last or (after and right <= spans[last][0]):
            kept.append(x)
    return {x: marks[x] for x in kept}


def width(text: str) -> int:
    """Columns: two for wide characters such as Chinese ones, none for marks that sit on the character before."""
    return sum(0 if category(c) in ("Mn", "Me", "Cf") else 2 if east_asian_width(c) in ("W", "F") else 1 for c in text)


def isolated(text: str) -> str:
    """The text in marks that keep one written from the right from reordering what stands around it."""
    return f"\u2068{text}\u2069" if any(bidirectional(c) in ("R", "AL") for c in text) else text


def _cut(text: str, head: int, most: int) -> str:
    if width(text) <= most:
        return text
    return f"{_begin(text, head)}…{_end(text, most - 1 - head)}"


def _begin(text: str, room: int) -> str:
    """The longest beginning that is not wider and ends before a whole character, marks included."""
    end = len(text)
    while end and (width(text[:end]) > room or (end < len(text) and category(text[end])[0] == "M")):
        end -= 1
    return text[:end]


def _end(text: str, room: int) -> str:
    """The longest end that is not wider and begins with a whole character."""
    start = 0
    while start < len(text) and (width(text[start:]) > room or category(text[start])[0] == "M"):
        start += 1
    return text[start:]
