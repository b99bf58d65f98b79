"""Contexts that leave room for the text: of a pair, the context is cut to its share, and the text gets the rest."""

from collections.abc import Collection

from polarity.data.rows import Splits


def without_effect(splits: Splits, asked: Collection[str], *, limited: bool) -> list[str]:
    """A problem where a command line asks for a length that plays no part.

    :param asked: the keys of its settings.
    :param limited: whether the model cuts long rows at all.
    """
    if not limited:
        names = [name for name in ("batching.max_length", "batching.max_context") if name in asked]
        return [f"{name}: has no effect, since this model reads texts whole; leave it out" for name in names]
    if "batching.max_context" not in asked or any(rows.context is not None for _, rows in splits.items()):
        return []
    return ["batching.max_context: has no effect, since the data have no context; leave it out, or name data.context"]


def context_room(max_length: int, share: float | None) -> int | None:
    """Most tokens of a context, at least one; None: as many as it has."""
    return None if share is None else max(1, int(max_length * share))
