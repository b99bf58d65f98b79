"""A corpus of somebody's own is held to what tables are held to."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from polarity.data.corpus import Corpus
from polarity.data.rows import Rows, Splits
from polarity.errors import UserError
from polarity.tasks import Task

TASK = Task("tone", ("no", "yes"), "tone")


class Own(Corpus):
    """What a page shows: a class with one method."""

    def __init__(self, splits: Splits) -> None:
        self.splits = splits

    def read(self) -> Splits:
        return self.splits


def rows(name: str, count: int = 6) -> Rows:
    texts = [f"{name} {chr(97 + number) * 9} {chr(110 - number) * 9}" for number in range(count)]
    labels = np.arange(count, dtype=np.int64)[:, None] % 2
    values = {"post": [f"{name}-{number % 2}" for number in range(count)]}
    return Rows([f"{name}-{number}" for number in range(count)], texts, None, labels, values, "post")


def splits() -> Splits:
    return Splits((TASK,), rows("train"), rows("val"), rows("test"))


def test_sound_rows_are_taken_as_they_are() -> None:
    made = Own(splits()).load()
    assert made.notes == []
    assert [len(part) for _, part in made.items()] == [6, 6, 6]


def repeat_an_id(made: Splits) -> None:
    made.val.ids[1] = made.val.ids[0]


def share_an_id(made: Splits) -> None:
    made.val.ids[0] = made.train.ids[0]


def empty(made: Splits) -> None:
    made.train.text[2] = "  "


def minus_one(made: Splits) -> None:
    made.train.labels[3] = -1


def beyond(made: Splits) -> None:
    made.val.labels[3] = 2


def one_label_less(made: Splits) -> None:
    made.train.labels = made.train.labels[:-1]


def one_value_more(made: Splits) -> None:
    made.train.metadata["post"] += ["more"]


def one_context_more(made: Splits) -> None:
    made.val.context = [""] * 7


def fractions(made: Splits) -> None:
    made.train.labels = made.train.labels + 0.5


def unsigned(made: Splits) -> None:
    made.train.labels = np.abs(made.train.labels).astype(np.uint8)


def no_such_group(made: Splits) -> None:
    made.test = replace(rows("test"), group="pst")


def nothing(name: str) -> Callable[[Splits], None]:
    return lambda made: setattr(made, name, rows(name, 0))


def never_a_class(made: Splits) -> None:
    made.train.labels[:] = 0


def a_text_in_two(made: Splits) -> None:
    made.val.text[0] = made.train.text[0]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (repeat_an_id, "val: 1 id more than once: ids val-0"),
        (share_an_id, "train and val: 1 id stand for different rows: ids train-0"),
        (empty, "train: 1 row without a text: ids train-2"),
        (minus_one, "train: labels of task 'tone' have to be 0 to 1, or -100 for none; found -1"),
        (beyond, "val: labels of task 'tone' have to be 0 to 1, or -100 for none; found 2"),
        (one_label_less, "train: 6 ids, 6 texts, labels [5, 1]; there has to be one of each for a row"),
        (one_value_more, "train: 6 ids, 6 texts, 7 values of 'post', labels [6, 1]; there has to be one of each"),
        (one_context_more, "val: 6 ids, 6 texts, 7 contexts, labels [6, 1]; there has to be one of each"),
        (fractions, "train: labels are float64; they have to be signed whole numbers, those of classes"),
        (unsigned, "train: labels are uint8; they have to be signed whole numbers, those of classes"),
        (no_such_group, "test: rows belong together by 'pst', which is no metadata column; did you mean 'post'?"),
        (nothing("train"), "train: there is no row"),
        (nothing("val"), "val: there is no row"),
        (nothing("test"), "test: there is no row; without test rows, test is None"),
        (never_a_class, "train: no row of class 'yes' of task 'tone'"),
        (a_text_in_two, "1 row of train has the same text as 1 of val"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(spoil: Callable[[Splits], None], said: str) -> None:
    made = splits()
    spoil(made)
    with pytest.raises(UserError) as refused:
        Own(made).load()
    assert said in "\n".join(refused.value.problems)


def test_what_is_only_worth_a_word_is_noted() -> None:
    made = splits()
    made.val.labels[:] = 0
    made.val.metadata["post"][0] = "train-0"
    notes = "\n".join(Own(made).load().notes)
    assert "val: no row of class 'yes' of task 'tone'" in notes
    assert "val: 1 of its 3 values of 'post' stands in train" in notes
