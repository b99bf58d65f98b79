"""Each check against a slow one that is obviously right."""

from collections import Counter
from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import pytest
from scipy.stats.contingency import association

from polarity.errors import UserError
from polarity.inspection.association import cramers_v, joint_counts
from polarity.inspection.conflicts import conflicts
from polarity.inspection.counts import task_counts, unlabelled
from polarity.inspection.duplicates import SHOWN, duplicates
from polarity.inspection.findings import of_lengths
from polarity.inspection.groups import check_columns, group_columns, looks_like_groups
from polarity.inspection.languages import NONE, languages
from polarity.inspection.lengths import BARS, _edges, lengths
from polarity.inspection.pool import Pool
from polarity.models.huggingface.reader import TokenReader
from polarity.models.huggingface.tokenising import tokenise
from polarity.tasks import IGNORE_INDEX
from tests.inspection.pools import NAMES, TASKS, pool
from tests.tiny import tiny_tokenizer

POOLS = [(seed, count, pair) for seed in range(4) for count in (1, 3, 40) for pair in (False, True)]
every_pool = pytest.mark.parametrize(("seed", "count", "pair"), POOLS)


def of_split(given: Pool, name: str) -> list[int]:
    return [row for row in range(len(given)) if given.names[given.split[row]] == name]


@every_pool
def test_counts(seed: int, count: int, pair: bool) -> None:
    given = pool(seed, count, pair=pair)
    for number, result in enumerate(task_counts(given)):
        for name in NAMES:
            labels = Counter(given.rows.labels[row, number] for row in of_split(given, name))
            assert result.missing[name] == labels[IGNORE_INDEX]
            assert result.rows[name] == {label: labels[c] for c, label in enumerate(TASKS[number].classes)}
    nothing = {
        name: sum((given.rows.labels[row] == IGNORE_INDEX).all() for row in of_split(given, name)) for name in NAMES
    }
    assert unlabelled(given) == nothing


@every_pool
def test_joint_counts(seed: int, count: int, pair: bool) -> None:
    given = pool(seed, count, pair=pair)
    (result,) = joint_counts(given)
    cells = Counter((given.names[given.split[row]], *given.rows.labels[row].tolist()) for row in range(len(given)))
    for name in NAMES:
        for i in range(3):
            for j in range(2):
                assert result.rows[name][i][j] == cells[name, i, j]
    assert result.total == sum(n for (_, i, j), n in cells.items() if IGNORE_INDEX not in (i, j))


def test_cramers_v_without_its_correction_is_that_of_scipy() -> None:
    table = (
        np.random.default_rng(0).integers(1, 50, size=(3, 4)) * 10_000
    )  # so many rows that nothing is left to correct
    assert cramers_v(table) == pytest.approx(association(table, method="cramer"), abs=1e-4)


@pytest.mark.parametrize("rows", [60, 600])
def test_cramers_v_is_near_zero_for_independent_tasks(rows: int) -> None:
    generator, corrected, plain = np.random.default_rng(1), [], []
    for _ in range(200):
        table = np.zeros((4, 5))
        np.add.at(table, (generator.integers(0, 4, rows), generator.integers(0, 5, rows)), 1)
        corrected.append(cramers_v(table))
        plain.append(association(table.astype(int), method="cramer"))
    assert np.mean([value for value in corrected if value is not None]) < 0.6 * np.mean(plain)


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        ([[50, 0], [0, 50]], 1.0),
        ([[50, 0, 0], [0, 50, 0], [0, 0, 50]], 1.0),
        ([[25, 25], [25, 25]], 0.0),
        ([[5, 0], [5, 0]], None),
        ([[0, 0], [0, 0]], None),
        ([[1, 0], [0, 0]], None),
        ([[1, 0], [0, 1]], None),
        ([[40, 0, 0], [0, 0, 40]], 1.0),
    ],
)
def test_cramers_v_of_plain_tables(table: list[list[int]], wanted: float | None) -> None:
    value = cramers_v(np.array(table))
    assert value == (None if wanted is None else pytest.approx(wanted, abs=0.02))


def has_counterpart(given: Pool, row: int, others: list[int], kind: str) -> bool:
    if kind == "exact":
        return any(other != row and given.text[other] == given.text[row] for other in others)
    return any(given.text[other] != given.text[row] and given.group[other] == given.group[row] for other in others)


@every_pool
def test_overlaps(seed: int, count: int, pair: bool) -> None:
    given = pool(seed, count, pair=pair)
    result = {(one.kind, one.first, one.second): (one.rows, one.others) for one in duplicates(given, None).overlaps}
    wanted = {}
    for first, second in combinations_with_replacement(NAMES, 2):
        one, other = of_split(given, first), of_split(given, second)
        for kind in ("exact", "near"):
            here = sum(has_counterpart(given, row, other, kind) for row in one)
            if here:
                wanted[kind, first, second] = (here, sum(has_counterpart(given, row, one, kind) for row in other))
    assert result == wanted


@every_pool
def test_duplicate_groups(seed: int, count: int, pair: bool) -> None:
    given = pool(seed, count, pair=pair)
    result = duplicates(given, None)
    linked = Counter(given.group.tolist())
    assert result.linked == sum(size > 1 for size in linked.values())
    assert result.rows == sum(size for size in linked.values() if size > 1)
    assert result.groups["exact"] == sum(size > 1 for size in Counter(given.text.tolist()).values())
    assert result.groups["near"] == sum(len(set(given.text[given.group == group])) > 1 for group in linked)
    assert len(result.examples) == sum(result.groups.values())
    assert [len(one.splits) for one in result.examples] == sorted(
        (len(one.splits) for one in result.examples), reverse=True
    )
    for one in result.examples:
        assert len(one.rows) == min(one.size, SHOWN)
        assert {row.split for row in one.rows} <= set(one.splits)
    assert len(duplicates(given, 2).examples) <= 2


@every_pool
def test_conflicts(seed: int, count: int, pair: bool) -> None:
    given = pool(seed, count, pair=pair)
    result = conflicts(given, None)
    for number, task in enumerate(TASKS):
        labels = given.rows.labels[:, number]
        known = labels != IGNORE_INDEX
        exact = [text for text in set(given.text) if len(set(labels[known & (given.text == text)])) > 1]
        inside = {int(given.group[given.text == text][0]) for text in exact}
        near = [group for group in set(given.group) - inside if len(set(labels[known & (given.group == group)])) > 1]
        assert result.groups[task.name] == {"exact": len(exact), "near": len(near)}
        assert result.rows[task.name]["exact"] == sum((known & (given.text == text)).sum() for text in exact)
        assert result.rows[task.name]["near"] == sum((known & (given.group == group)).sum() for group in near)
    for one in result.examples:
        assert len(set(one.labels)) > 1
        assert len(one.labels) == len(one.rows) <= SHOWN


def test_groups_that_cross() -> None:
    given = pool(3, 80)
    (result,) = group_columns(given, ["post"])
    cells = given.rows.metadata["post"]
    values = {name: {cells[row] for row in of_split(given, name)} for name in NAMES}
    crossing = {value for one in NAMES for value in values[one] if sum(value in values[other] for other in NAMES) > 1}
    assert result.asked
    assert result.crossing == len(crossing)
    assert result.values == len(set(cells))
    for name in ("val", "test"):
        assert result.rows[name] == sum(cells[row] in values["train"] for row in of_split(given, name))
        assert result.shares[name] == pytest.approx(result.rows[name] / 80)


@pytest.mark.parametrize(
    ("name", "cells", "wanted"),
    [
        ("post", [f"p{n // 3}" for n in range(90)], True),
        ("lang", ["de", "fr"] * 50, False),
        ("author", [f"a{n}" for n in range(100)], False),
        ("length", [str(n // 3) for n in range(90)], False),
        ("article_id", [str(n // 3) for n in range(90)], True),
        ("group", [str(n // 2) if n < 60 else f"alone-{n}" for n in range(900)], True),
        ("empty", [""] * 90, False),
    ],
)
def test_columns_that_look_like_groups(name: str, cells: list[str], wanted: bool) -> None:
    assert looks_like_groups(name, cells) == wanted


def test_a_missing_column_is_reported_with_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'post'"):
        check_columns(pool(), ["posts"], "groups")


def test_languages_are_found_by_name_and_counted() -> None:
    given = pool(5, 40)
    result = languages(given, None)
    assert result is not None
    assert result.column == "Lang"
    cells = Counter(
        (cell or NONE, given.names[given.split[row]]) for row, cell in enumerate(given.rows.metadata["Lang"])
    )
    assert {(name, split): n for name, rows in result.rows.items() for split, n in rows.items()} == {
        (name, split): cells[name, split] for name in result.rows for split in NAMES
    }
    assert [sum(rows.values()) for rows in result.rows.values()] == sorted(
        (sum(rows.values()) for rows in result.rows.values()), reverse=True
    )
    assert sum(result.classes["tone"]["de"].values()) <= sum(result.rows["de"].values())


def test_without_a_column_there_are_no_languages() -> None:
    given = pool()
    assert languages(replace(given, rows=replace(given.rows, metadata={})), None) is None


@every_pool
@pytest.mark.parametrize("limit", [3, 9, 500])
def test_lengths_in_tokens(seed: int, count: int, pair: bool, limit: int) -> None:
    given = pool(seed, count, pair=pair)
    tokenizer = tiny_tokenizer()
    measured = lengths(given, TokenReader(tokenizer), "tiny", limit)
    contexts = given.rows.context
    wanted = [
        len(tokenizer(*([text] if contexts is None else [contexts[row], text]))["input_ids"])
        for row, text in enumerate(given.rows.text)
    ]
    assert list(measured.edges) == sorted(set(measured.edges))
    if limit in range(max(wanted)):
        assert limit + 1 in measured.edges
    for one in measured.splits:
        own = [wanted[row] for row in of_split(given, one.split)]
        assert (one.rows, one.longest, one.cut) == (len(own), max(own), sum(length > limit for length in own))
        assert one.mean == pytest.approx(np.mean(own))
        assert sum(one.histogram) == len(own)
        assert len(one.histogram) == len(measured.edges) - 1


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_lengths_after_contexts_were_cut_as_in_training(share: float) -> None:
    given, tokenizer = pool(1, 30, pair=True), tiny_tokenizer()
    measured = lengths(given, TokenReader(tokenizer), "tiny", 20, share)
    for one in measured.splits:
        rows = given.rows.select(of_split(given, one.split))
        arrays = tokenise(rows, tokenizer, 20, share)
        assert (one.cut, one.contexts_cut) == (arrays["cut"].sum(), arrays["context_cut"].sum())
    assert sum(one.contexts_cut for one in measured.splits) > 0 or share == 0.5
    (*contexts, _) = [finding.text for finding in of_lengths(measured, share)]
    assert all("batching.max_context=0.1 of batching.max_length=20, which are cut: train" in text for text in contexts)
    assert len(contexts) == (share == 0.1)


@pytest.mark.parametrize(
    ("limit", "longest"), [(8, 1_000_000), (8, 9), (100, 150), (512, 100), (None, 1_000_000), (1, 1)]
)
def test_there_are_never_more_bars_than_can_be_seen(limit: int | None, longest: int) -> None:
    edges = _edges(np.linspace(1, longest, 500).astype(np.int64), limit)
    assert len(edges) <= 2 * BARS + 2
    assert (np.diff(edges) > 0).all()
    assert limit is None or longest <= limit or limit + 1 in edges
    assert edges[-1] > longest


def test_lengths_in_characters_without_a_tokenizer() -> None:
    given = pool(1, 30, pair=True)
    measured = lengths(given, None, None, 9)
    assert (measured.unit, measured.tokenizer, measured.max_length) == ("characters", None, None)
    assert all(one.cut is None for one in measured.splits)
    contexts = given.rows.context
    assert contexts is not None
    assert measured.splits[0].longest == max(len(contexts[row]) + len(given.rows.text[row]) for row in range(30))


def test_texts_that_may_not_be_shown_are_not() -> None:
    given = pool(0, 40, pair=True, show_texts=False)
    shown = [row for one in duplicates(given, None).examples for row in one.rows]
    shown += [row for one in conflicts(given, None).examples for row in one.rows]
    assert shown
    assert all(row.text == row.context == "" for row in shown)
    columns = [group_columns(one, ["post"])[0] for one in (given, pool(0, 40))]
    assert [bool(column.examples) for column in columns] == [False, True]
    assert columns[0] == replace(columns[1], examples=())


def test_an_empty_split_is_no_trouble() -> None:
    given = pool(0, 0, test=False)
    assert len(given) == 0
    assert duplicates(given, None).overlaps == ()
    assert conflicts(given, None).examples == ()
    assert lengths(given, TokenReader(tiny_tokenizer()), "tiny", 9).splits[0].rows == 0
    assert task_counts(given)[0].missing == {"train": 0, "val": 0}
    assert joint_counts(given)[0].cramers_v is None
