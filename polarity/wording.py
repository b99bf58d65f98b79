"""Words that have to agree with numbers."""


def times(value: int, one: str, many: str | None = None) -> str:
    """``1 row``, ``3,555 rows``."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def out_of(part: int, whole: int, noun: str, one: str, many: str) -> str:
    """``1 of 40 rows has``, ``12 of 40 rows have``: the verb agrees with the part."""
    return f"{part:,} of {times(whole, noun)} {one if part == 1 else many}"


def percent(share: float, digits: int = 0) -> str:
    """``12%``; what is nearly nothing or nearly all is not rounded to that: ``under 1%``, ``over 99%``."""
    least = 10.0**-digits
    if share > 0 and f"{share:.{digits}%}" == f"{0:.{digits}%}":
        return f"under {least:g}%"
    if share < 1 and f"{share:.{digits}%}" == f"{1:.{digits}%}":
        return f"over {100 - least:g}%"
    return f"{share:.{digits}%}"


def points(fraction: float) -> str:
    """Hundredths of a score: ``1 point``, ``0.5 points``."""
    return f"{100 * fraction:g} {'point' if round(100 * fraction, 9) == 1 else 'points'}"
