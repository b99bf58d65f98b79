"""Texts that stand in two splits are found, and nothing else happens about them than was asked for."""

import re
from dataclasses import replace
from itertools import product
from typing import Any, get_args

import numpy as np
import pytest

from polarity.data.leakage import Leakage, Reaction
from polarity.data.rows import Rows, Splits
from polarity.errors import UserError
from polarity.tasks import Task
from tests.broken import text as unlike

TASK = Task("tone", ("bad", "good"), "tone")
REACTIONS = get_args(Reaction)
SENTENCE = "The committee has approved the new budget for the coming year."
NEARLY = "The committee has approved the new budget for this coming year!"


def rows(name: str, texts: list[str], contexts: list[str] | None = None) -> Rows:
    count = len(texts)
    return Rows(
        ids=[f"{name}{number}" for number in range(count)],
        text=texts,
        context=contexts,
        labels=np.arange(count)[:, None] % 2,
        metadata={"place": [name] * count},
    )


def splits(train: list[str], val: list[str], test: list[str] | None = None) -> Splits:
    """Some rows of each split are unlike all others; the given ones follow them."""
    filled = [[unlike(100 * place + number) for number in range(4)] + texts for place, texts in enumerate([train, val])]
    third = None if test is None else rows("test", [unlike(200), unlike(201), *test])
    return Splits((TASK,), rows("train", filled[0]), rows("val", filled[1]), third, notes=["a note"])


def ids(checked: Splits) -> list[str]:
    return [identifier for _, part in checked.items() for identifier in part.ids]


def problems(leakage: Leakage, given: Splits) -> tuple[str, ...]:
    with pytest.raises(UserError) as raised:
        leakage.check(given)
    return raised.value.problems


@pytest.mark.parametrize(("exact", "near"), list(product(REACTIONS, REACTIONS)))
@pytest.mark.parametrize("test", [None, []])
def test_splits_without_overlap_pass_as_they_are(exact: Reaction, near: Reaction, test: list[str] | None) -> None:
    given = splits(["Fine.", SENTENCE], ["Good.", "Not the same words at all, and not the same meaning"], test)
    assert Leakage(exact=exact, near=near).check(given) is given


@pytest.mark.parametrize(("kind", "other"), [("exact", SENTENCE), ("exact", f" {SENTENCE}\n"), ("near", NEARLY)])
@pytest.mark.parametrize("pair", [("train", "val"), ("train", "test"), ("val", "test")])
def test_stop(pair: tuple[str, str], kind: str, other: str) -> None:
    texts: dict[str, list[str]] = {"train": [], "val": [], "test": [], pair[0]: [SENTENCE], pair[1]: [other]}
    given = splits(**texts)
    (problem,) = problems(Leakage(), given)
    first, second = (given.items()[["train", "val", "test"].index(name)][1].ids[-1] for name in pair)
    same = "the same" if kind == "exact" else "nearly the same"
    assert problem.startswith(
        f"{pair[0]} and {pair[1]}: 1 row of {pair[0]} has {same} text as 1 of {pair[1]}, such as "
    )
    assert f"{first!r}" in problem
    assert f"{second!r} ({' '.join(other.split())[:60]!r}...)" in problem.replace("...'", "'...")
    assert f"data.leakage.{kind}=drop leaves the former out, data.leakage.{kind}=allow goes on" in problem
    others = {"exact", "near"} - {kind}
    assert not any(f"data.leakage.{name}" in problem for name in others)


def test_everything_is_reported_at_once() -> None:
    given = splits(["Yes.", SENTENCE], ["Yes.", NEARLY], ["Yes.", SENTENCE])
    result = problems(Leakage(), given)
    kinds = [(line.split(":")[0], re.findall(r"data\.leakage\.(\w+)=drop", line)[0]) for line in result]
    three = ["train and val", "train and test", "val and test"]
    assert kinds == [*((pair, "exact") for pair in three), ("train and val", "near"), ("val and test", "near")]
    assert "2 rows of train have the same text as 2 of test" in result[1]


@pytest.mark.parametrize(("length", "end"), [(59, ""), (60, ""), (61, "...")])
def test_only_long_texts_are_cut(length: int, end: str) -> None:
    text = "x" * length
    (problem,) = problems(Leakage(), splits([text], [text]))
    assert f"({text[:60] + end!r})" in problem


def test_counts_and_examples_of_many() -> None:
    (problem,) = problems(Leakage(), splits([f"Same {n}" for n in "abcdef"], [f"Same {n}" for n in "fedcba"] * 300))
    assert "6 rows of train have the same text as 1,800 of val" in problem
    assert problem.count("'train") == problem.count("('Same") == 3


@pytest.mark.parametrize("kind", ["exact", "near"])
def test_drop_leaves_the_earlier_rows_out(kind: str) -> None:
    other = SENTENCE if kind == "exact" else NEARLY
    given = splits(["Unique", SENTENCE, other], ["Own", SENTENCE], ["Alone", other, "Last"])
    leakage = Leakage(**{"exact": "allow", "near": "allow", kind: "drop"})
    checked = leakage.check(given)
    assert ids(checked) == [name for name in ids(given) if name not in ("train5", "train6", "val5")]
    assert checked.train.metadata == {"place": ["train"] * 5}
    assert (checked.val.labels == given.val.labels[[0, 1, 2, 3, 4]]).all()
    dropped = [note for note in checked.notes if f"the former were left out (data.leakage.{kind}=drop)" in note]
    assert [note.split(":")[0] for note in dropped] == ["train and val", "train and test", "val and test"]
    assert checked.notes[0] == "a note"
    assert len(given.train) == 7


@pytest.mark.parametrize("kind", ["exact", "near"])
def test_dropped_once_nothing_is_left_to_find(kind: str) -> None:
    texts = [unlike(number) for number in range(900, 930)]
    close = texts if kind == "exact" else [f"{text[:-1]}#" for text in texts]
    given = splits(texts[:20], close[10:], texts[5:15])
    checked = Leakage(exact="drop", near="drop").check(given)
    assert Leakage().check(checked) is checked
    assert len(checked.val) == 4 + 15
    assert len(checked.train) == 4 + 5


def test_allow_changes_no_row() -> None:
    given = splits(["Yes.", SENTENCE], ["Yes.", NEARLY], ["Yes."])
    checked = Leakage(exact="allow", near="allow").check(given)
    assert ids(checked) == ids(given)
    kinds = [re.findall(r"\(data\.leakage\.(\w+)=allow\)", note) for note in checked.notes[1:]]
    assert kinds == [["exact"]] * 3 + [["near"]]
    assert all("scores of the latter profit from it" in note for note in checked.notes[1:])


def test_one_kind_may_stop_what_the_other_allows() -> None:
    given = splits(["Yes.", SENTENCE], ["Yes.", NEARLY])
    assert [line.count("exact=drop") for line in problems(Leakage(near="allow"), given)] == [1]
    assert [line.count("near=drop") for line in problems(Leakage(exact="allow"), given)] == [1]
    assert [line.count("near=drop") for line in problems(Leakage(exact="drop"), given)] == [1]
    assert len(Leakage(exact="drop", near="allow").check(given).train) == 5


def test_exact_copies_are_not_near_ones() -> None:
    given = splits([SENTENCE, NEARLY], [SENTENCE])
    assert len(problems(Leakage(), given)) == 2
    assert "1 row of train has nearly the same text as 1 of val, such as 'train5'" in problems(Leakage(), given)[1]
    assert ids(Leakage(exact="allow", near="drop").check(given))[:5] == [f"train{number}" for number in range(5)]
    assert len(Leakage(exact="drop", near="drop").check(given).train) == 4


def test_rows_that_were_left_out_are_not_found_again() -> None:
    given = splits([SENTENCE], [SENTENCE, NEARLY])
    checked = Leakage(exact="drop").check(given)
    assert ids(checked) == [*(f"train{number}" for number in range(4)), *given.val.ids]
    assert [note.count("near") for note in checked.notes[len(given.notes) :]] == [0]


def test_repetition_within_a_split_is_no_leakage() -> None:
    given = splits(["Yes.", "Yes.", SENTENCE, NEARLY], ["No.", "No."])
    assert Leakage().check(given) is given


def test_pairs_leak_if_both_texts_do() -> None:
    title, other = unlike(1), unlike(2)
    train = rows("train", ["Yes.", "Maybe.", "Never!"], [title, title, title])
    val = rows("val", ["Yes.", "Yes.", "never"], [other, title, title.upper()])
    result = problems(Leakage(), Splits((TASK,), train, val, None))
    assert "1 row of train has the same text as 1 of val, such as 'train0' and 'val1'" in result[0]
    assert "1 row of train has nearly the same text as 1 of val, such as 'train2' ('Never!') and 'val2'" in result[1]


def test_a_row_without_context_is_a_pair_among_pairs() -> None:
    train = rows("train", [SENTENCE, unlike(1)], [unlike(2), ""])
    val = rows("val", [NEARLY, unlike(3)], [unlike(4), unlike(5)])
    given = Splits((TASK,), train, val, None)
    assert Leakage().check(given) is given


def test_the_example_of_what_is_nearly_the_same_is_not_the_same_nor_another() -> None:
    other = unlike(50)
    given = splits([SENTENCE, other], [SENTENCE, f"{other[:-1]}#", NEARLY])
    (problem,) = problems(Leakage(exact="allow"), given)
    pairs = re.findall(r"'(train\d)' \([^)]*\) and '(val\d)'", problem)
    assert pairs == [("train4", "val6"), ("train5", "val5")]


def test_blank_contexts_are_those_of_single_texts() -> None:
    train, val = rows("train", ["Yes."], [""]), rows("val", ["Yes."])
    assert len(problems(Leakage(), Splits((TASK,), train, val, None))) == 1


def test_texts_without_words_do_not_leak_into_each_other() -> None:
    given = splits(["10", ":)", "...", "😀"], ["20", ":(", "!", "😢"])
    assert Leakage().check(given) is given


@pytest.mark.parametrize(("earlier", "later"), [("train", "val"), ("val", "test")])
def test_a_split_that_would_lose_all_rows(earlier: str, later: str) -> None:
    given = splits([], [], [])
    parts = dict(given.items()) | {earlier: rows(earlier, ["Yes.", "No."]), later: rows(later, ["No.", "Yes."])}
    (problem,) = problems(Leakage(exact="drop"), replace(given, **parts))
    assert problem == f"{earlier}: each of its 2 rows stands in a later split, too, so that nothing is left of it"


@pytest.mark.parametrize("change", [{"threshold": 0.95}, {"shingle": 12}, {"min_length": 80}])
def test_every_setting_of_nearness_has_an_effect(change: dict[str, Any]) -> None:
    given = splits([SENTENCE], [NEARLY])
    assert len(problems(Leakage(), given)) == 1
    assert Leakage(**change).check(given) is given


def test_prints_its_settings() -> None:
    assert repr(Leakage(exact="drop")) == (
        "Leakage(exact=drop, near=stop, NearDuplicates(threshold=0.8, shingle=5, min_length=25))"
    )
