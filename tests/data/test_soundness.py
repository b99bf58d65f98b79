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


def compose_an_id(made: Splits) -> None:
    made.val.ids[:2] = ["caf\u00e9", "cafe\u0301"]


def share_an_id(made: Splits) -> None:
    made.val.ids[0] = made.train.ids[0]


def empty(made: Splits) -> None:
    made.train.text[2] = "  "


def unseen(made: Splits) -> None:
    made.test = replace(rows("test"), text=["\u200b", *rows("test").text[1:]])


def nul(made: Splits) -> None:
    made.val.text[1] += "\0"


def half_of_a_pair(made: Splits) -> None:
    made.val.context = ["\ud83d", *[""] * 5]


def no_text(cell: object) -> Callable[[Splits], None]:
    return lambda made: made.train.text.__setitem__(4, cell)


def numbered(made: Splits) -> None:
    made.val.ids = list(range(6))  # type: ignore[arg-type]


def no_context(made: Splits) -> None:
    made.train.context = [None] * 6  # type: ignore[list-item]


def no_value(made: Splits) -> None:
    made.train.metadata["post"][0] = None  # type: ignore[call-overload]


def listed_labels(made: Splits) -> None:
    made.train.labels = made.train.labels.tolist()


def no_metadata(made: Splits) -> None:
    made.train.metadata = None  # type: ignore[assignment]


def no_ids(made: Splits) -> None:
    made.train.ids = None  # type: ignore[assignment]


def an_array_of_texts(made: Splits) -> None:
    made.train.text = np.array(made.train.text)  # type: ignore[assignment]


def a_class_twice(made: Splits) -> None:
    made.tasks = (Task("tone", ("no", "yes", "no"), "tone"),)


def a_class_of_number(made: Splits) -> None:
    made.tasks = (Task("tone", (0, 1), "tone"),)  # type: ignore[arg-type]


def two_of_one_name(made: Splits) -> None:
    made.tasks, made.test = (TASK, TASK), None
    for part in (made.train, made.val):
        part.labels = np.repeat(part.labels, 2, axis=1)


def other_contexts(made: Splits) -> None:
    for number, (_, part) in enumerate(made.items()):
        part.context = [f"context {number}"] * 6
    made.val.ids[0], made.val.text[0] = made.train.ids[0], made.train.text[0]


def other_labels(made: Splits) -> None:
    made.val.ids[0], made.val.text[0] = made.train.ids[1], made.train.text[1]


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
        (compose_an_id, "val: 1 id more than once: ids caf\u00e9"),
        (share_an_id, "train and val: 1 id stands for different rows: ids train-0"),
        (other_contexts, "train and val: 1 id stands for different rows: ids train-0"),
        (other_labels, "train and val: 1 id stands for different rows: ids train-1"),
        (empty, "train: text is empty: id train-2 is '  '; every row needs a text: fill it or remove the row"),
        (unseen, "test: text is empty: id test-0 is '\\u200b'; every row needs a text"),
        (nul, "val: text holds NUL, which no text holds: id val-1"),
        (half_of_a_pair, "val: context is not valid Unicode (half of a surrogate pair): id val-0"),
        (no_text(None), "train: text: not all are str: [4] is None"),
        (no_text(float("nan")), "train: text: not all are str: [4] is float"),
        (numbered, "val: ids: not all are str: [0] is int, [1] is int"),
        (no_context, "train: context: not all are str: [0] is None, [1] is None"),
        (no_value, "train: metadata['post']: not all are str: [0] is None"),
        (listed_labels, "train: labels are list; they have to be an array of signed whole numbers"),
        (no_metadata, "train: metadata: a dict of columns is needed, not None"),
        (no_ids, "train: ids: a list of str is needed, not None"),
        (an_array_of_texts, "train: text: a list of str is needed, not ndarray"),
        (a_class_twice, "tasks.tone: the class 'no' is named 2 times"),
        (a_class_of_number, "tasks.tone: the class 0 is int; it has to be a str"),
        (two_of_one_name, "tasks.tone: 2 tasks of that name"),
        (minus_one, "train: labels of task 'tone' have to be 0 to 1, or -100 for none; found -1"),
        (beyond, "val: labels of task 'tone' have to be 0 to 1, or -100 for none; found 2"),
        (one_label_less, "train: 6 ids, 6 texts, labels [5, 1]; there has to be one of each for a row"),
        (one_value_more, "train: 6 ids, 6 texts, 7 values of 'post', labels [6, 1]; there has to be one of each"),
        (one_context_more, "val: 6 ids, 6 texts, 7 contexts, labels [6, 1]; there has to be one of each"),
        (fractions, "train: labels are float64; they have to be an array of signed whole numbers, those of classes"),
        (unsigned, "train: labels are uint8; they have to be an array of signed whole numbers, those of classes"),
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
