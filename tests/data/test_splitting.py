"""Promises of every split, whatever the data; each held against many random tables."""

from collections import Counter
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest

from polarity.data.duplicates import NearDuplicates
from polarity.data.rows import Rows
from polarity.data.splitting import Split, _codes, _linked
from polarity.errors import UserError
from polarity.tasks import IGNORE_INDEX, Task
from tests.broken import text as unlike

TASKS = [Task("tone", ("bad", "plain", "good"), "tone"), Task("side", ("left", "right", "none", "both"), "side")]
SPLITS = [
    Split(),
    Split(val=0.2, test=0),
    Split(val=0.05, test=0.4),
    Split(val=0.6, test=0.3),
    Split(group="post"),
    Split(stratify=["source"]),
    Split(group="post", stratify=["source", "month"], seed=5),
    Split(group="post", near_duplicates_together=False),
    Split(test=0, group="post", near_duplicates_together=False, stratify=["month"]),
]


def table(count: int = 600, *, seed: int = 0, posts: int = 200, missing: float = 0.2, copies: float = 0.1) -> Rows:
    """Rows under posts of very different sizes, with rare classes, missing labels and copied texts."""
    rng = np.random.default_rng(seed)
    labels = np.stack(
        [rng.choice(3, count, p=[0.7, 0.27, 0.03]), rng.choice(4, count, p=[0.5, 0.3, 0.15, 0.05])], axis=1
    )
    labels[rng.random(labels.shape) < missing] = IGNORE_INDEX
    popularity = rng.pareto(1.5, posts) + 0.1
    post = rng.choice(posts, count, p=popularity / popularity.sum())
    texts = [unlike(1000 * seed + number) for number in range(count)]
    for number in np.flatnonzero(rng.random(count) < copies).tolist():
        # Were all copies of texts under other posts, they would soon link all posts to one group.
        texts[number] = f"{texts[rng.choice(np.flatnonzero(post == post[number])) if number % 20 else 0]}!"
    return Rows(
        ids=[f"row-{number}" for number in range(count)],
        text=texts,
        context=None,
        labels=labels,
        metadata={
            "post": ["" if number < 5 else f"post {number}" for number in post.tolist()],
            "source": rng.choice(["news", "forum"], count, p=[0.8, 0.2]).tolist(),
            "month": [str(number) for number in rng.integers(12, size=count).tolist()],
        },
    )


def parts_of(split: Split, rows: Rows, tasks: list[Task] = TASKS) -> list[Rows]:
    return [part for part in split.apply(rows, tasks) if part is not None]


def shares_of(split: Split) -> list[float]:
    return [1 - split.val - split.test, split.val, split.test][: 3 if split.test else 2]


def crossing(rows: Rows, parts: list[Rows], groups: np.ndarray) -> int:
    """How many groups stand in two parts."""
    group = dict(zip(rows.ids, groups.tolist(), strict=True))
    held = [{group[identifier] for identifier in part.ids} for part in parts]
    return sum(len(one & other) for one, other in combinations(held, 2))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("split", SPLITS)
def test_partition(split: Split, seed: int) -> None:
    rows = table(seed=seed)
    parts = parts_of(split, rows)
    assert (split.apply(rows, TASKS)[2] is None) == (split.test == 0)
    assert Counter(identifier for part in parts for identifier in part.ids) == Counter(rows.ids)
    place = {identifier: number for number, identifier in enumerate(rows.ids)}
    for part in parts:
        numbers = [place[identifier] for identifier in part.ids]
        assert numbers == sorted(numbers)
        assert part == replace(rows.select(numbers), labels=part.labels)
        assert (part.labels == rows.labels[numbers]).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("split", SPLITS)
def test_what_belongs_together_stays_together(split: Split, seed: int) -> None:
    rows = table(seed=seed)
    parts = parts_of(split, rows)
    if split.group is not None:
        posts = np.unique(rows.metadata["post"], return_inverse=True)[1]
        posts = np.where(np.array(rows.metadata["post"]) == "", 10_000 + np.arange(len(rows)), posts)
        assert crossing(rows, parts, posts) == 0
    if split.near_duplicates_together:
        assert crossing(rows, parts, NearDuplicates().groups(rows.text)) == 0


def test_rows_without_a_group_are_on_their_own() -> None:
    rows = table(200, posts=3, copies=0)
    rows.metadata["post"] = [""] * 200
    assert [len(part) for part in parts_of(Split(group="post"), rows)] == pytest.approx([140, 30, 30], abs=1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("split", SPLITS)
def test_shares(split: Split, seed: int) -> None:
    """Of all rows, of each class, each stratum and each joint cell: exact without groups, near with them."""
    rows = table(2000, seed=seed)
    parts = parts_of(split, rows)
    cells = {"all": lambda part: ["row"] * len(part)}
    cells |= {task.name: lambda part, n=n: part.labels[:, n].tolist() for n, task in enumerate(TASKS)}
    cells |= {name: lambda part, name=name: part.metadata[name] for name in split.stratify}
    cells["joint"] = lambda part: [tuple(row) for row in part.labels.tolist()]
    for name, of in cells.items():
        total = Counter(of(rows))
        for part, share in zip(parts, shares_of(split), strict=True):
            counts = Counter(of(part))
            for value, count in total.items():
                slack = {"all": 2.0, "joint": 4.0}.get(name, 3.0) + (6 + 0.02 * count if split.group else 0)
                assert abs(counts[value] - share * count) <= slack, (name, value, count, counts[value], share * count)


@pytest.mark.parametrize("split", SPLITS)
def test_each_class_is_in_every_split_if_it_has_enough_groups(split: Split) -> None:
    for seed in range(30):
        rows = table(90, seed=seed, posts=40, missing=0.5)
        parts = parts_of(split, rows)
        groups = split.groups(rows, NearDuplicates())
        for number, task in enumerate(TASKS):
            for label in range(len(task.classes)):
                members = set(groups[rows.labels[:, number] == label].tolist())
                if len(members) >= 3 * len(parts):  # with fewer, two classes may need the very same group
                    assert all((part.labels[:, number] == label).any() for part in parts), (seed, task.name, label)


def test_three_rows_of_a_class_reach_three_splits() -> None:
    labels = np.array([0] * 97 + [1] * 3)[:, None]
    rows = replace(table(100, copies=0), labels=labels)
    assert all((part.labels == 1).sum() == 1 for part in parts_of(Split(), rows, TASKS[:1]))


def test_a_class_with_fewer_rows_than_splits_is_trained_on() -> None:
    labels = np.array([0] * 98 + [1] * 2)[:, None]
    rows = replace(table(100, copies=0), labels=labels)
    assert [int((part.labels == 1).sum()) for part in parts_of(Split(), rows, TASKS[:1])] == [2, 0, 0]


@pytest.mark.parametrize("split", SPLITS)
def test_rare_cells(split: Split) -> None:
    """Every row its own combination: nothing to balance but the whole, and no reason to fail."""
    rows = table(300, copies=0, missing=0)
    rows.metadata["source"] = [str(number % 30) for number in range(300)]
    rows.metadata["post"] = [str(number) for number in range(300)]
    for part, share in zip(parts_of(split, rows), shares_of(split), strict=True):
        assert abs(len(part) - share * 300) <= 3


@pytest.mark.parametrize("count", [3, 4, 5, 7, 10, 20])
def test_few_rows(count: int) -> None:
    for seed in range(10):
        parts = parts_of(Split(), table(count, seed=seed, copies=0))
        assert all(len(part) for part in parts)
        assert count < 7 or len(parts[0]) == max(len(part) for part in parts)


@pytest.mark.parametrize("labels", [np.empty((50, 0), dtype=np.int64), np.full((50, 2), IGNORE_INDEX)])
def test_nothing_to_stratify(labels: np.ndarray) -> None:
    rows = replace(table(50, copies=0), labels=labels)
    assert [len(part) for part in parts_of(Split(), rows, TASKS[: labels.shape[1]])] == [35, 8, 7]


@pytest.mark.parametrize("split", SPLITS)
def test_depends_on_rows_and_seed_alone(split: Split) -> None:
    rows = table()
    ids = [set(part.ids) for part in parts_of(split, rows)]
    np.random.default_rng().random()
    assert [set(part.ids) for part in parts_of(split, rows)] == ids
    shuffled = rows.select(np.random.default_rng(1).permutation(len(rows)))
    assert [set(part.ids) for part in parts_of(split, shuffled)] == ids
    other = Split(
        val=split.val,
        test=split.test,
        group=split.group,
        stratify=split.stratify,
        near_duplicates_together=split.near_duplicates_together,
        seed=split.seed + 1,
    )
    assert [set(part.ids) for part in parts_of(other, rows)] != ids


@pytest.mark.parametrize(
    "change", [{"val": 0.3}, {"test": 0.3}, {"group": "post"}, {"stratify": ["month"]}, {"seed": 1}]
)
def test_every_setting_has_an_effect(change: dict[str, Any]) -> None:
    rows = table()
    usual, changed = ([part.ids for part in parts_of(split, rows)] for split in (Split(), Split(**change)))
    assert usual != changed


def test_near_duplicates_may_be_torn_apart() -> None:
    rows = table(copies=0.5)
    parts = parts_of(Split(near_duplicates_together=False), rows)
    assert crossing(rows, parts, NearDuplicates().groups(rows.text)) > 0


def test_what_counts_as_near_can_be_given() -> None:
    rows = replace(table(copies=0), text=[f"{unlike(n // 3)} {unlike(9000 + n)[:20]}" for n in range(600)])
    near = NearDuplicates(threshold=0.5)
    assert crossing(rows, parts_of(Split(), rows), near.groups(rows.text)) > 0
    parts = [part for part in Split().apply(rows, TASKS, near) if part is not None]
    assert crossing(rows, parts, near.groups(rows.text)) == 0


def test_pairs_stay_together_if_both_texts_are_alike() -> None:
    rows = replace(table(copies=0), context=["A title that stands above all the comments of this table"] * 600)
    assert [len(part) for part in parts_of(Split(), rows)] == pytest.approx([420, 90, 90], abs=1)


def test_a_huge_group_goes_to_training() -> None:
    rows = table(1000, copies=0)
    rows.metadata["post"] = ["huge"] * 600 + [f"p{number // 4}" for number in range(400)]
    parts = parts_of(Split(group="post"), rows)
    assert "huge" in parts[0].metadata["post"]
    assert [len(part) for part in parts] == pytest.approx([700, 150, 150], abs=8)
    assert Split(group="post").notes(parts, TASKS) == []


def test_groups_that_do_not_fit_are_reported() -> None:
    rows = table(1000, copies=0)
    rows.metadata["post"] = ["huge"] * 900 + [f"p{number // 4}" for number in range(100)]
    split = Split(group="post")
    parts = parts_of(split, rows)
    assert len(parts[0]) == 900
    notes = split.notes(parts, TASKS)
    assert [note.split(":")[0] for note in notes] == ["val", "test"]
    assert "instead of 15.0%" in notes[0]
    assert "data.split.near_duplicates_together=false data.leakage.exact=drop data.leakage.near=drop" in notes[0]
    assert (
        Split(group="post", near_duplicates_together=False).notes(parts, TASKS)[0].endswith("(data.split.group=post)")
    )


@pytest.mark.parametrize(("rows", "reported"), [(150, False), (187, False), (188, True), (113, False), (112, True)])
def test_a_split_is_far_off_from_a_quarter_of_its_share_on(rows: int, reported: bool) -> None:
    everything, ends = table(1000, copies=0), (0, 850 - rows, 850, 1000)
    parts = [everything.select(np.arange(start, end)) for start, end in pairwise(ends)]
    notes = Split().notes(parts, TASKS)
    assert any(note.startswith("val:") for note in notes) == reported


def test_classes_that_groups_keep_from_being_balanced_are_told() -> None:
    """Large groups of one class each: the splits have the sizes that they should, and quite other classes."""
    rows = table(1000, copies=0)
    rows.labels[:, 0] = np.arange(1000) >= 700
    rows.labels[:, 1] = 0
    split = Split(group="post", val=0.15, test=0.15, near_duplicates_together=False)
    parts = [rows.select(np.arange(start, end)) for start, end in ((0, 700), (700, 850), (850, 1000))]
    train, val, test = split.notes(parts, TASKS)
    assert train == (
        f"train: class {TASKS[0].classes[0]!r} of task {TASKS[0].name!r} has 100.0% of its labelled rows, of all rows "
        "70.0%, as what belongs together stays together (data.split.group=post)"
    )
    assert (val[:4], test[:5]) == ("val:", "test:")
    even = Split(near_duplicates_together=False)
    assert even.notes(parts_of(even, rows), TASKS) == []


def test_values_that_are_all_too_rare_cannot_be_balanced() -> None:
    rows = table(60, copies=0)
    rows.metadata["uid"] = [f"u{number}" for number in range(60)]
    with pytest.raises(UserError, match=r"data\.split\.stratify: 'uid' has 60 values in 60 rows"):
        Split(stratify=["uid"]).apply(rows, TASKS)
    rows.metadata["same"] = ["x"] * 60
    Split(stratify=["same"]).apply(rows, TASKS)


@pytest.mark.parametrize("groups", [1, 2])
def test_too_few_groups(groups: int) -> None:
    rows = table(60, copies=0)
    rows.metadata["post"] = [f"p{number % groups}" for number in range(60)]
    with pytest.raises(UserError, match=rf"3 splits need .* in {groups} \(data\.split\.group=post"):
        Split(group="post").apply(rows, TASKS)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_rows(count: int) -> None:
    with pytest.raises(UserError, match="3 splits need"):
        Split().apply(table(10).select(range(count)), TASKS)


def test_unknown_columns() -> None:
    split = Split(group="pots", stratify=["source", "moth"])
    with pytest.raises(UserError) as raised:
        split.apply(table(), TASKS)
    assert len(raised.value.problems) == 2
    assert raised.value.problems[0].startswith("data.split.group: no such metadata column 'pots'; did you mean 'post'?")
    assert raised.value.problems[1].startswith("data.split.stratify: no such metadata column 'moth'")
    assert split.problems(["pots", "source", "moth"]) == []


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"val": 0.5, "test": 0.5}, "val"),
        ({"val": 0.9, "test": 0.2}, "val"),
        ({"group": "post", "stratify": ["post"]}, "stratify"),
        ({"stratify": ["month", "month"]}, "stratify"),
    ],
)
def test_contradictions(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(UserError) as raised:
        Split(**settings)
    assert [problem.split(":")[0] for problem in raised.value.problems] == [key]


def test_prints_its_settings() -> None:
    assert repr(SPLITS[6]) == (
        "Split(val=0.15, test=0.15, group=post, stratify=['source', 'month'], near_duplicates_together=True, seed=5)"
    )
    assert repr(Split()) == repr(Split(stratify=[]))
    assert len({repr(split) for split in SPLITS}) == len(SPLITS)


def test_relations_are_followed_to_the_end() -> None:
    posts, texts = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 2, 3])
    assert _linked([posts, texts], 5).tolist() == [0, 0, 0, 0, 1]
    assert _linked([], 3).tolist() == [0, 1, 2]


def test_values_that_differ_in_a_last_nul_are_not_the_same() -> None:
    assert _codes(["b", "a\0", "a"]).tolist() == [2, 1, 0]
    assert _codes(np.array([7, -1, 7])).tolist() == [1, 0, 1]
