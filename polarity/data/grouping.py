"""Rows that belong together, such as the comments under a post: which splits share them."""

from collections.abc import Sequence

from polarity.data.rows import Rows
from polarity.wording import times


def crossing_notes(splits: Sequence[tuple[str, Rows]]) -> list[str]:
    """A note for each later split whose groups stand in an earlier one, too; the first split is the one trained on.

    Rows without a value are on their own. Nothing is said of a column that could not be read.
    """
    column = splits[0][1].group
    if column is None or any(column not in rows.metadata for _, rows in splits):
        return []
    values = {name: [value for value in rows.metadata[column] if value] for name, rows in splits}
    notes = []
    for number, (name, rows) in enumerate(splits):
        for earlier, _ in splits[:number]:
            shared = set(values[name]) & set(values[earlier])
            if shared:
                inside, own = sum(value in shared for value in values[name]), len(set(values[name]))
                notes.append(
                    f"{name}: {len(shared):,} of its {times(own, 'value')} of {column!r} "
                    f"{'stands' if len(shared) == 1 else 'stand'} in {earlier}, "
                    f"too ({inside:,} of {times(len(rows), 'row')}); scores may be better than on values never seen"
                )
    return notes
