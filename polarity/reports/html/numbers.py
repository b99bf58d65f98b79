"""How numbers are written in the reports: the same digits everywhere, true minus signs, a dash for what is absent."""

from datetime import datetime
from math import isfinite

ABSENT = "\u2013"
MINUS = "\u2212"


def score_text(value: float | None, digits: int = 3) -> str:
    """A fraction, such as a macro-F1."""
    return ABSENT if value is None or not isfinite(value) else f"{value:.{digits}f}".replace("-", MINUS)


def figures(value: float | None) -> str:
    """A number of any size, in four digits that count."""
    return ABSENT if value is None or not isfinite(value) else f"{value:.4g}".replace("-", MINUS)


def signed(value: float | None) -> str:
    """A difference, always with its sign."""
    if value is None or not isfinite(value):
        return ABSENT
    return f"{value:+.3f}".replace("-", MINUS)


def interval(low: float | None, high: float | None) -> str:
    """Both ends; empty where there is no interval."""
    if low is None or high is None or not (isfinite(low) and isfinite(high)):
        return ""
    return f"{score_text(low)} to {score_text(high)}"


def count(value: float | None) -> str:
    """Rows, with thousands set apart."""
    return ABSENT if value is None or not isfinite(value) else f"{value:,.0f}"


def share(value: float | None, digits: int = 1) -> str:
    """A fraction in per cent."""
    return ABSENT if value is None or not isfinite(value) else f"{100 * value:.{digits}f}\u00a0%"


def probability(value: float | None) -> str:
    """A p-value; never 0, since no sample proves that."""
    if value is None or not isfinite(value):
        return ABSENT
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def duration(seconds: float) -> str:
    """Wall time in the two units that matter."""
    whole = round(seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def moment(text: str) -> str:
    """A time of the run's files for people; a text that is none stays as it is."""
    try:
        return datetime.fromisoformat(text).strftime("%-d %B %Y, %H:%M")
    except ValueError:
        return text


def sentence(text: str) -> str:
    """A remark as a sentence of its own; a name at its beginning stays as it is."""
    first = text.partition(" ")[0]
    begun = text[:1].upper() + text[1:] if first.isalpha() and first.islower() else text
    return begun if begun.endswith((".", "!", "?")) else f"{begun}."
