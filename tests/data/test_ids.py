"""Ids that are made from the content."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from polarity.data.ids import content_ids
from polarity.data.rows import Rows

PAIRS = st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), max_size=12)


def ids(pairs: list[tuple[str, str]]) -> list[str]:
    contexts, texts = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return content_ids(Rows([], texts, contexts, np.empty((len(pairs), 0), dtype=np.int64)))


@given(PAIRS)
def test_unique_and_independent_of_the_order(pairs: list[tuple[str, str]]) -> None:
    made = ids(pairs)
    assert len(set(made)) == len(pairs)
    assert sorted(ids(pairs[::-1])) == sorted(made)


@given(PAIRS, PAIRS)
def test_independent_of_rows_that_follow(pairs: list[tuple[str, str]], others: list[tuple[str, str]]) -> None:
    assert ids(pairs + others)[: len(pairs)] == ids(pairs)


@given(PAIRS)
def test_only_equal_pairs_share_the_stem(pairs: list[tuple[str, str]]) -> None:
    stems = [name.split("-")[0] for name in ids(pairs)]
    assert len(set(stems)) == len(set(pairs))


def test_stable() -> None:
    """Ids are written into predictions, which are compared with those of later versions."""
    assert ids([("", "a"), ("", "a"), ("t", "a")]) == ["bde152eaf93edee5", "bde152eaf93edee5-2", "c24c19308d8eb4e3"]
