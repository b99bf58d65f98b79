"""Names that look alike and are not equal: another case, blanks, number format, or characters that nobody sees."""

import unicodedata
from collections.abc import Callable, Collection
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation


def as_number(text: str) -> str:
    """A number in one spelling, with all of its digits; other texts as they are."""
    exact = Context(prec=max(len(text), 1), Emax=MAX_EMAX, Emin=MIN_EMIN)
    try:
        return str(Decimal(text).normalize(exact))
    except InvalidOperation:
        return text


WAYS: dict[str, Callable[[str], str]] = {
    "in upper and lower case": str.lower,
    "in blanks": lambda text: "".join(text.split()),
    "in how the number is written": as_number,
    "in characters that cannot be seen": lambda text: "".join(c for c in text if unicodedata.category(c) != "Cf"),
    "in how its characters are composed": lambda text: unicodedata.normalize("NFKC", text),
}
"""How two names may differ without a difference in meaning, and what makes them equal."""


def near_equal(name: str, others: Collection[str]) -> str:
    """``differs from 'yes' only in upper and lower case``; empty where no other name is that close."""
    for what, plain in WAYS.items():
        for other in others:
            if other != name and plain(other) == plain(name):
                return f"it differs from {other!r} only {what}"
    together = _all(name)
    similar = next((other for other in others if other != name and _all(other) == together), None)
    return (
        ""
        if similar is None
        else f"it differs from {similar!r} only in case, blanks, number format or unseen characters"
    )


def similar_names(names: Collection[str]) -> list[tuple[str, str]]:
    """Pairs of names of one list that are that close."""
    seen: dict[str, str] = {}
    pairs = []
    for name in names:
        if (key := _all(name)) in seen:
            pairs.append((seen[key], name))
        seen.setdefault(key, name)
    return pairs


def _all(text: str) -> str:
    for plain in reversed(WAYS.values()):
        text = plain(text)
    return text
