"""Data as they are, also where training would refuse them."""

from collections.abc import Sequence
from dataclasses import dataclass

from polarity.data.corpus import Corpus
from polarity.data.duplicates import NearDuplicates
from polarity.data.limit import Limit
from polarity.data.rows import Splits
from polarity.data.soundness import misshapen
from polarity.errors import UserError


@dataclass(frozen=True)
class Loaded:
    """The data, and what training would say about them.

    :param splits: the rows that training takes; where it would stop, all that could be read, overlaps included: then a
        split that training needs may have no row.
    :param stops: what training would stop at.
    :param notes: what training would say, if it does not stop.
    :param near_duplicates: what counts as nearly the same text.
    :param group: the column whose values the settings keep together; None for none, or where it cannot be read.
    """

    splits: Splits
    stops: tuple[str, ...]
    notes: tuple[str, ...]
    near_duplicates: NearDuplicates
    group: str | None


def load_as_it_is(corpus: Corpus, limit: Limit) -> Loaded:
    """Load a corpus as training does, to hear what it says; where it would stop, then whatever the corpus holds.

    :param limit: how many rows of each split are looked at.
    :raises UserError: with everything that is wrong, if no table can be made of it.
    """
    stops: tuple[str, ...] = ()
    notes: Sequence[str] = ()
    try:
        splits = limit.apply(corpus.load())
        notes = splits.notes
    except UserError as error:
        stops = error.problems
        splits = corpus.read()
        if misshapen(splits):  # nobody's table: there is nothing to look at
            raise
        splits = limit.apply(splits)
    near_duplicates = NearDuplicates() if corpus.leakage is None else corpus.leakage.near_duplicates
    group = splits.train.group
    there = any(group in rows.metadata for _, rows in splits.items())
    return Loaded(splits, stops, tuple(notes), near_duplicates, group if there else None)
