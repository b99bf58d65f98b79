"""Contexts that leave room for the text: of a pair, the context is cut to its share, and the text gets the rest."""

from collections.abc import Sequence

from polarity.data.rows import Splits


def without_context(splits: Splits, overrides: Sequence[str]) -> list[str]:
    """A problem where a command line asks for a share of contexts that the data do not have."""
    asked = any(text.lstrip("+").startswith("batching.max_context=") for text in overrides)
    if not asked or any(rows.context is not None for _, rows in splits.items()):
        return []
    return ["batching.max_context: has no effect, since the data have no context; leave it out, or name data.context"]


def context_room(max_length: int, share: float | None) -> int | None:
    """Most tokens of a context, at least one; None: as many as it has."""
    return None if share is None else max(1, int(max_length * share))
