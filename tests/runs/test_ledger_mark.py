"""Looks at a test split count as such, however its rows come."""

from dataclasses import replace

import numpy as np

from polarity.data.duplicates import NearDuplicates
from polarity.data.rows import Rows, Splits
from polarity.runs.overlap import ledger_mark, overlaps, seen_in_test
from polarity.tasks import Task


def some_rows(split: str, number: int) -> Rows:
    names = [f"{split}-{row}" for row in range(number)]
    return Rows(names, [f"text of {name}" for name in names], None, np.arange(number)[:, None] % 2)


SPLITS = Splits((Task("t", ("a", "b"), "t"),), some_rows("train", 9), some_rows("val", 5), some_rows("test", 7))


def test_rows_of_a_split_are_that_split_in_any_order() -> None:
    assert SPLITS.test is not None
    mark = SPLITS.test.fingerprint()
    turned = SPLITS.test.select(np.arange(7)[::-1])
    assert turned.fingerprint() != mark
    assert ledger_mark(turned, SPLITS) == mark
    assert ledger_mark(turned, None) == turned.fingerprint()
    relabelled = turned.select(range(7))
    relabelled.labels = 1 - relabelled.labels
    assert ledger_mark(relabelled, SPLITS) == relabelled.fingerprint() != mark


def test_texts_that_a_run_has_learnt_are_known_with_contexts_and_without() -> None:
    """Of a run that reads the contexts, and of rows without them, and the other way round."""
    new = some_rows("train", 4)
    pairs = replace(new, context=[f"title {row}" for row in range(4)])
    read = replace(SPLITS, train=replace(SPLITS.train, context=[f"title {row}" for row in range(9)]))
    for rows, splits in ((new, SPLITS), (new, read), (pairs, SPLITS), (pairs, read)):
        (found,) = overlaps(rows, splits, NearDuplicates())
        assert (found.split, found.exact) == ("train", 4)
    assert overlaps(replace(new, context=["other"] * 4), read, NearDuplicates()) == []


def test_rows_that_stand_in_the_test_split_are_told() -> None:
    assert SPLITS.test is not None
    (note,) = seen_in_test(SPLITS.test.select([2, 4, 5]), SPLITS)
    assert note.startswith("3 of 3 rows stand in the run's test split")
    assert seen_in_test(SPLITS.val, SPLITS) == []
