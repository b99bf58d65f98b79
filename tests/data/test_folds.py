"""Folds: every row once, nothing that belongs together torn apart, classes balanced, epochs chosen within."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from polarity.data.corpus import Corpus
from polarity.data.duplicates import NearDuplicates
from polarity.data.folds import FoldedRows, Folds, too_few_rows
from polarity.data.leakage import Leakage
from polarity.data.rows import Rows, Splits
from polarity.data.splitting import Split
from polarity.errors import UserError
from polarity.tasks import Task

TASKS = (Task("tone", ("no", "yes"), "tone"), Task("topic", ("war", "food", "rare"), "topic"))


class Own(Corpus):
    """Rows that are there already."""

    def __init__(self, splits: Splits, *, split: Split | None = None) -> None:
        self.splits, self.split, self.leakage = splits, split, Leakage()

    def read(self) -> Splits:
        return self.splits


def rows(count: int, *, seed: int = 0, posts: int | None = None, prefix: str = "row") -> Rows:
    """Single texts that are all different, with two tasks, a fifth of the labels missing, perhaps under posts."""
    generator = np.random.default_rng(seed)
    labels = np.stack(
        [generator.choice(2, count, p=[0.7, 0.3]), generator.choice(3, count, p=[0.6, 0.3, 0.1])], axis=1
    ).astype(np.int64)
    labels[generator.random(labels.shape) < 0.2] = -100
    return Rows(
        ids=[f"{prefix}-{number}" for number in range(count)],
        text=[" ".join(str(word) for word in generator.integers(0, 10**9, 5)).translate(LETTERS) for _ in range(count)],
        context=None,
        labels=labels,
        metadata={} if posts is None else {"post": [f"post-{number % posts}" for number in range(count)]},
        group=None if posts is None else "post",
    )


LETTERS = str.maketrans("0123456789", "abcdefghij")


def folded(whole: Rows, folds: Folds, *, val: int = 40, **settings: object) -> FoldedRows:
    parts = whole.select(range(val, len(whole))), whole.select(range(val))
    return FoldedRows(Own(Splits(TASKS, *parts, None), **settings), Splits(TASKS, *parts, None), folds)  # type: ignore[arg-type]


def held_out(made: FoldedRows) -> list[Rows]:
    collected = [made.of(fold).test for fold in range(1, made.folds.count + 1)]
    return [part for part in collected if part is not None]


def test_every_row_is_held_out_once_in_each_repeat_and_repeats_differ() -> None:
    made = folded(rows(300), Folds(4, 2))
    parts = held_out(made)
    for repeat in (parts[:4], parts[4:]):
        assert sorted(name for part in repeat for name in part.ids) == sorted(made.rows.ids)
    assert {frozenset(part.ids) for part in parts[:4]}.isdisjoint(frozenset(part.ids) for part in parts[4:])


def test_the_three_parts_of_a_fold_are_all_rows_and_share_none() -> None:
    made = folded(rows(300), Folds(5))
    for fold in range(1, 6):
        splits = made.of(fold)
        names = [name for _, part in splits.items() for name in part.ids]
        assert sorted(names) == sorted(made.rows.ids)
        assert len(splits.val) == pytest.approx(240 * 40 / 300, abs=2), "the share of an ordinary run"


@pytest.mark.parametrize("posts", [None, 60])
def test_classes_and_their_combinations_have_the_same_shares(posts: int | None) -> None:
    made = folded(rows(600, posts=posts), Folds(5))
    cells = made.rows.labels @ np.array([1000, 1])
    for value in np.unique(cells):
        whole = int((cells == value).sum())
        counts = [int((part.labels @ np.array([1000, 1]) == value).sum()) for part in held_out(made)]
        assert max(counts) - min(counts) <= (2 if posts is None else 4 + whole / 10), (value, counts)
    assert max(map(len, held_out(made))) - min(map(len, held_out(made))) <= (3 if posts is None else 10)


def test_no_group_stands_on_two_sides() -> None:
    made = folded(rows(400, posts=50), Folds(5))
    for fold in range(1, 6):
        posts = [set(part.metadata["post"]) for _, part in made.of(fold).items()]
        assert len(set.union(*posts)) == sum(map(len, posts))


def test_no_text_stands_nearly_the_same_on_two_sides() -> None:
    whole = rows(300)
    for number in range(0, 120, 3):
        whole.text[number + 1] = f"@someone {whole.text[number].upper()}!!"
    made = folded(whole, Folds(5))
    for fold in range(1, 6):
        parts = [part for _, part in made.of(fold).items()]
        texts = [text for part in parts for text in part.text]
        side, group = np.repeat([0, 1, 2], [len(part) for part in parts]), NearDuplicates().groups(texts)
        assert all(len(set(side[group == number])) == 1 for number in np.unique(group))
    loose = folded(whole, Folds(5), split=Split(near_duplicates_together=False))
    with pytest.raises(UserError, match=r"^folds: fold 1: .*nearly the same text"):
        loose.check()


def test_folds_depend_neither_on_the_order_of_rows_nor_on_which_of_them_validate() -> None:
    whole = rows(300, posts=80)
    backwards = whole.select(range(len(whole) - 1, -1, -1))
    assert [sorted(part.ids) for part in held_out(folded(whole, Folds(4)))] == [
        sorted(part.ids) for part in held_out(folded(backwards, Folds(4)))
    ]
    other = held_out(folded(whole, Folds(4), split=Split(seed=1)))
    assert [sorted(part.ids) for part in held_out(folded(whole, Folds(4)))] != [sorted(part.ids) for part in other]


def test_labels_of_other_texts_leave_a_text_that_stands_twice_its_own_id() -> None:
    whole = rows(100)
    whole.ids[50:52] = ["row-1", "row-1-2"]
    assert len(set(folded(whole, Folds(2)).rows.ids)) == 100


def refusal(whole: Rows, folds: Folds) -> Sequence[str]:
    with pytest.raises(UserError) as refused:
        folded(whole, folds).check()
    return refused.value.problems


def test_more_folds_than_the_rarest_class_has_groups() -> None:
    whole = rows(300)
    rare = np.flatnonzero(whole.labels[:, 1] == 2)
    whole.labels[rare[4:], 1] = 0
    (problem,) = refusal(whole, Folds(5))
    assert problem.startswith("folds: 5 are too many for class 'rare' of task 'topic': its 4 rows are in 4 groups")
    assert problem.endswith("groups that stay together; folds=4 is the most")
    folded(whole, Folds(4)).check()
    whole.labels[rare[2:4], 1] = 0
    (problem,) = refusal(whole, Folds(5))
    assert "its 2 rows are in 2 groups that stay together; a fold trains, " in problem  # folds=2 is refused as well
    assert problem.endswith("so that it takes 3; it cannot be folded")
    whole.labels[rare[1:4], 1] = 0
    (problem,) = refusal(whole, Folds(5))
    assert "its 1 row is in 1 group that stays together; a fold trains, " in problem
    whole.labels[rare[1:4], 1] = 2
    for number in rare[:4]:
        whole.text[number] = whole.text[rare[0]]
    (problem,) = refusal(whole, Folds(2))
    assert "4 rows are in 1 group that stays together (joined by nearly equal texts; " in problem
    assert problem.endswith("; it cannot be folded")


def test_two_folds_leave_too_little_of_a_class_to_train_and_to_validate(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rows(300)
    rare = np.flatnonzero(whole.labels[:, 1] == 2)
    whole.labels[rare[3:], 1] = 0
    folded(whole, Folds(2)).check()  # where classes may be absent
    monkeypatch.setattr(Own, "absent_classes", "stop")
    (problem,) = refusal(whole, Folds(2))
    assert problem.startswith("folds: 2 are too few for class 'rare' of task 'topic': its 3 rows are in 3 groups")
    assert problem.endswith("stay together; folds=3 leaves two to train and validate on")
    folded(whole, Folds(3)).check()
    whole.labels[rare[2], 1] = 0
    (problem,) = refusal(whole, Folds(2))
    assert problem.startswith("folds: 2 are too many for class 'rare' of task 'topic': its 2 rows are in 2 groups")
    assert problem.endswith("so that it takes 3; it cannot be folded")


def test_fewer_groups_than_folds() -> None:
    (problem,) = refusal(rows(100, posts=3), Folds(4))
    assert problem.startswith("folds: the 100 rows are in 3 groups (3 values of 'post'), ")
    assert problem.endswith("too few for 4 folds")


def test_values_that_nearly_equal_texts_join_are_told_apart_from_groups() -> None:
    whole = rows(100, posts=5)
    values = whole.metadata["post"]
    for number in range(5):  # one and the same text in every post
        whole.text[values.index(sorted(set(values))[number])] = "the same sentence stands in each of all these posts"
    (problem,) = refusal(whole, Folds(4))
    assert "the 100 rows are in 1 group (5 values of 'post', joined by nearly equal texts; " in problem
    assert "data.split.near_duplicates_together=false keeps these apart), too few for 4 folds" in problem


def test_seeds_of_folds_differ_from_each_other_and_between_seeds() -> None:
    seeds = {Folds(5, 2).seed(seed, fold) for seed in range(20) for fold in range(1, 11)}
    assert len(seeds) == 200


def advised(whole: Rows, val: int, **settings: object) -> list[str]:
    made = folded(whole, Folds(5), val=val, **settings)
    return too_few_rows(made.corpus, made.splits)


def test_folds_are_advised_where_validation_has_few_rows_of_a_class() -> None:
    whole = rows(400)
    count = int((whole.labels[:60, 1] == 2).sum())
    (line,) = advised(whole, 60)
    assert line.startswith(f"validation has {count} rows of class 'rare' of task 'topic'")
    assert "folds=5 scores each of 311 rows with a label of it by" in line
    rare = np.flatnonzero(whole.labels[:, 1] == 2)
    (line,) = advised(whole.select(np.setdiff1d(np.arange(400), rare[4:])), 60)
    assert "folds" not in line, "four rows cannot be in five folds"
    assert not advised(rows(3000), 1500)


def test_folds_are_advised_where_they_are_not_refused() -> None:
    """What counts is what stays together, not rows."""
    whole = rows(400)
    rare = whole.labels[:, 1] == 2
    grouped = replace(whole, metadata={"post": ["one" if row else "" for row in rare]}, group="post")
    alike = replace(
        whole, text=["quite the same sentence again" if row else whole.text[n] for n, row in enumerate(rare)]
    )
    for told in (grouped, alike):
        (line,) = advised(told, 60)
        assert "folds" not in line
        with pytest.raises(UserError, match="5 are too many"):
            folded(told, Folds(5), val=60).check()
    assert "folds=5" in advised(alike, 60, split=Split(near_duplicates_together=False))[0]
