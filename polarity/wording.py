"""Words that have to agree with numbers."""


def times(value: int, one: str, many: str | None = None) -> str:
    """``1 row``, ``3,555 rows``."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def points(fraction: float) -> str:
    """Hundredths of a score: ``1 point``, ``0.5 points``."""
    return f"{100 * fraction:g} {'point' if round(100 * fraction, 9) == 1 else 'points'}"
