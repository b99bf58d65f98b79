"""Counts, resamples and swaps give what scikit-learn and scipy give, row by row."""

import itertools
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap
from scipy.stats import t as student
from sklearn.metrics import accuracy_score, f1_score

from polarity.evaluation.metrics import score
from polarity.evaluation.predictions import Predictions, TaskPredictions
from polarity.statistics import counts as counts_of_rows
from polarity.statistics import intervals, paired_difference
from polarity.statistics.counts import Counts, blocks
from polarity.statistics.holm import holm
from polarity.statistics.interval import UNKNOWN, Interval, Share, f1_interval
from polarity.statistics.mcnemar import mcnemar
from polarity.statistics.percentile import bootstrap_p, percentile_interval, sample_interval, sample_p
from polarity.statistics.permutation import permutation_of_runs
from polarity.statistics.randomisation import randomise
from polarity.statistics.resample import resample
from polarity.statistics.selection import select_best
from polarity.tasks import IGNORE_INDEX, Task
from tests.statistics.simulated import TASKS, better, draw_labels, draw_systems


def example(rows: int = 60, systems: int = 2, seed: int = 0) -> tuple[np.ndarray, list[list[np.ndarray]]]:
    generator = np.random.default_rng(seed)
    labels = draw_labels(generator, rows)
    return labels, draw_systems(generator, labels, [better(0.05 * number) for number in range(systems)])


def rows_of(labels: np.ndarray, post: list[str] | None = None) -> Predictions:
    """Labelled rows; those of one post belong together."""
    tasks = tuple(TaskPredictions(task, labels[:, t], labels[:, t]) for t, task in enumerate(TASKS))
    ids = [str(number) for number in range(len(labels))]
    return Predictions(ids, tasks) if post is None else Predictions(ids, tasks, {"post": post}, group="post")


def test_observed_scores_are_those_of_the_metrics() -> None:
    labels, systems = example(systems=3)
    result = Counts(TASKS, labels, systems).observed()
    for number, decided in enumerate(systems):
        scores = score(TASKS, labels, decided)
        assert result.overall[0, number] == pytest.approx(scores.overall)
        for t, task in enumerate(TASKS):
            assert result.macro_f1[0, number, t] == pytest.approx(scores.tasks[task.name].macro_f1)
            assert result.accuracy[0, number, t] == pytest.approx(scores.tasks[task.name].accuracy)


def test_weights_of_rows_are_rows_drawn_repeatedly() -> None:
    labels, systems = example()
    counts = Counts(TASKS, labels, systems)
    drawn = np.random.default_rng(1).integers(0, len(labels), size=len(labels))
    weights = np.bincount(drawn, minlength=len(labels)).astype(np.float32)
    result = counts.statistics(weights[None] @ counts.matrix)
    for number, decided in enumerate(systems):
        for t in range(len(TASKS)):
            known = labels[drawn, t] != IGNORE_INDEX
            label, predicted = labels[drawn, t][known], decided[t][drawn][known]
            macro = f1_score(label, predicted, labels=[0, 1, 2], average="macro", zero_division=0)
            assert result.macro_f1[0, number, t] == pytest.approx(macro)
            assert result.accuracy[0, number, t] == pytest.approx(accuracy_score(label, predicted))


def test_intervals_agree_with_scipy() -> None:
    labels, systems = example(rows=300)
    drawn = resample(Counts(TASKS, labels, systems), 5000, 0).accuracy[:, 0, 0]
    interval = percentile_interval(drawn)
    known = labels[:, 0] != IGNORE_INDEX
    right = (systems[0][0] == labels[:, 0])[known].astype(float)
    oracle = bootstrap((right,), np.mean, method="percentile", n_resamples=5000, rng=0).confidence_interval
    assert interval.low == pytest.approx(oracle.low, abs=0.01)
    assert interval.high == pytest.approx(oracle.high, abs=0.01)


def test_randomisation_agrees_with_all_swaps() -> None:
    labels, systems = example(rows=9, seed=6)
    counts = Counts(TASKS, labels, systems)
    first, second = (np.stack(system, axis=1) for system in systems)

    def distance(swap: np.ndarray) -> float:
        a, b = np.where(swap[:, None], second, first), np.where(swap[:, None], first, second)
        return abs(score(TASKS, labels, list(b.T)).overall - score(TASKS, labels, list(a.T)).overall)

    observed = distance(np.zeros(9, dtype=bool))
    swaps = [distance(np.array(swap)) for swap in itertools.product([False, True], repeat=9)]
    exact = np.mean([value >= observed - 1e-12 for value in swaps])
    assert 0.1 < exact < 1
    assert randomise(counts, [(0, 1)], 20_000, 0).overall[0] == pytest.approx(exact, abs=0.015)


def test_a_pair_does_not_depend_on_the_other_systems() -> None:
    labels, systems = example(rows=200, systems=4)
    alone, among = Counts(TASKS, labels, systems[1:3]), Counts(TASKS, labels, systems)
    assert np.array_equal(resample(alone, 100, 5).overall, resample(among, 100, 5).overall[:, 1:3])
    pairs = [(0, 3), (1, 2), (2, 1)]
    several = randomise(among, pairs, 500, 5)
    assert several.overall[1] == several.overall[2] == randomise(alone, [(0, 1)], 500, 5).overall[0]
    assert np.array_equal(several.macro_f1[1], randomise(alone, [(0, 1)], 500, 5).macro_f1[0])


def test_equal_systems_differ_in_nothing() -> None:
    labels, systems = example(systems=1)
    difference = paired_difference(rows_of(labels), systems[0], systems[0], resamples=200)
    for item in (difference.overall, *difference.tasks.values()):
        assert item.value == 0
        assert item.interval.high == pytest.approx(-item.interval.low, rel=1e-3)
        assert 3 / 60 < item.interval.high < 12 / 60
        assert item.p == 1


@pytest.mark.parametrize("post", [None, [f"post {number // 5}" for number in range(20)]], ids=["rows", "groups"])
def test_the_largest_difference_is_1(post: list[str] | None) -> None:
    labels = np.stack([np.arange(20) % 3] * 2, axis=1)
    wrong, right = list(((labels + 1) % 3).T), list(labels.T)
    better = paired_difference(rows_of(labels, post), wrong, right, resamples=50).overall
    worse = paired_difference(rows_of(labels, post), right, wrong, resamples=50).overall
    assert (better.value, worse.value) == (1, -1)
    assert better.interval is not None
    assert worse.interval is not None
    assert 0 < better.interval.low < better.interval.high == 1
    assert -1 == worse.interval.low < worse.interval.high < 0


def test_few_groups_reach_no_further_than_scores_do() -> None:
    labels, systems = example(rows=30, systems=1)
    counts = Counts(TASKS, labels, systems, [number // 10 for number in range(30)])
    drawn = np.array([0.1, 0.9] * 50)
    freedom, task = counts.freedom(0), 0
    assert freedom is not None
    reach = student.ppf(0.975, freedom) * drawn.std(ddof=1)
    for value, lowest in ((0.5, 0.0), (0.5, -1.0), (-0.9, -1.0)):
        interval = sample_interval(value, drawn, counts, task=task, lowest=lowest)
        assert interval is not None
        assert (interval.low, interval.high) == pytest.approx((max(lowest, value - reach), min(1, value + reach)))
    assert sample_interval(0.2, drawn, counts, task=task) == sample_interval(0.2, drawn, counts, task=task, lowest=0.0)
    assert sample_p(0.3, drawn, counts, task=task) == pytest.approx(2 * student.sf(0.3 / drawn.std(ddof=1), freedom))


def test_whatever_is_drawn_has_a_stream_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of one stream would not be independent; one that ignores the seed could not be repeated with another."""
    labels, systems = example(rows=20)
    counts, scores = Counts(TASKS, labels, systems), np.arange(9.0)
    streams: list[tuple[int, ...]] = []
    make = np.random.default_rng

    def recorded(seed: object) -> np.random.Generator:
        if isinstance(seed, list):  # scipy asks for one, too, with the generator that it was given
            streams.append(tuple(seed))
        return make(seed)

    monkeypatch.setattr(np.random, "default_rng", recorded)
    for seed in (3, 4):
        resample(counts, 4, seed)
        randomise(counts, [(0, 1)], 4, seed)
        permutation_of_runs(scores, scores + 1, most=4, seed=seed)
        select_best(counts, [[0], [1]], resamples=4, seed=seed)
    assert len(set(streams)) == len(streams) == 8
    assert {stream[0] for stream in streams} == {3, 4}


def test_a_difference_turns_its_sign_with_the_systems() -> None:
    labels, (first, second) = example(rows=300)
    there = paired_difference(rows_of(labels), first, second, resamples=300)
    back = paired_difference(rows_of(labels), second, first, resamples=300)
    assert there.overall.value == pytest.approx(-back.overall.value)
    assert there.overall.interval.low == pytest.approx(-back.overall.interval.high)
    assert there.overall.p == back.overall.p
    assert there.overall.value == pytest.approx(
        score(TASKS, labels, second).overall - score(TASKS, labels, first).overall
    )


def test_the_bootstrap_test_agrees_with_its_interval() -> None:
    for seed in range(40):
        labels, systems = example(rows=150, seed=seed)
        drawn = np.diff(resample(Counts(TASKS, labels, systems), 1999, seed).overall, axis=1)[:, 0]
        p = bootstrap_p(drawn)
        if abs(p - 0.05) > 0.005:
            assert (p < 0.05) == (0.0 not in percentile_interval(drawn))


def test_many_rows_are_joined_where_that_leaves_a_quarter_or_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts_of_rows, "JOINED_FROM", 12)
    task = Task("tone", ("0", "1", "2"), "tone")
    for kinds, joined in ((3, True), (4, False)):
        labels = np.arange(12)[:, None] % kinds % 3
        decided = np.arange(12) % kinds // 3
        counts = Counts([task], labels, [[decided]], joined=True)
        assert (counts.times is not None) == joined


def test_joined_rows_are_drawn_as_each_alone_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, systems = example(rows=200)
    labels[:] = np.arange(200)[:, None] % 2
    decided = [[values % 2 for values in system] for system in systems]
    alone = resample(Counts(TASKS, labels, decided), 2000, 0)
    monkeypatch.setattr(counts_of_rows, "JOINED_FROM", 12)
    counts = Counts(TASKS, labels, decided, joined=True)
    assert counts.times is not None
    joined = resample(counts, 2000, 0)
    for name in ("overall", "macro_f1"):
        mine, its = getattr(joined, name), getattr(alone, name)
        assert mine.shape == its.shape
        np.testing.assert_allclose(mine.mean(axis=0), its.mean(axis=0), atol=0.005)
        np.testing.assert_allclose(mine.std(axis=0), its.std(axis=0), rtol=0.1)


def test_intervals_are_drawn_with_seed_0_unless_another_is_given() -> None:
    labels, (first, _) = example(rows=40)
    found = [
        intervals(rows_of(labels), first, resamples=50, **given).overall for given in ({}, {"seed": 0}, {"seed": 1})
    ]
    assert found[0] == found[1] != found[2]


def test_an_interval_that_leaves_nothing_out_knows_nothing() -> None:
    known = [Interval(*ends).known for ends in ((0, 1), (-1, 1), (-1, 0.9), (0.1, 1), (-0.9, 1))]
    assert known == [False, False, True, True, True]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_resample_without_a_difference_lies_on_both_sides(sign: int) -> None:
    assert bootstrap_p(sign * np.array([0.0, *[0.1] * 9])) == pytest.approx(2 * (1 + 1) / (10 + 1))


def test_clusters_are_drawn_and_swapped_as_wholes() -> None:
    labels, systems = example(rows=100)
    thrice = [[np.repeat(values, 3) for values in system] for system in systems]
    names = [f"post {number}" for number in np.repeat(np.arange(100), 3)]
    once, clustered = Counts(TASKS, labels, systems), Counts(TASKS, np.repeat(labels, 3, axis=0), thrice, names)
    assert clustered.units == 100
    assert clustered.observed().overall == pytest.approx(once.observed().overall)
    narrow = resample(Counts(TASKS, np.repeat(labels, 3, axis=0), thrice), 500, 0).overall[:, 0].std()
    wide = resample(clustered, 500, 0).overall[:, 0].std()
    assert wide == pytest.approx(narrow * np.sqrt(3), rel=0.2)


@pytest.mark.parametrize("groups", [2, 3, 30])
def test_groups_have_the_variances_and_covariances_of_the_jackknife(groups: int) -> None:
    """CV3, from the scores of the rows without each group, computed one by one."""
    labels, systems = example(rows=90, systems=3)
    group = np.arange(90) % groups
    counts = Counts(TASKS, labels, systems, group)
    whole = counts.observed().macro_f1.reshape(-1)
    left = [group != number for number in range(groups)]
    without = [Counts(TASKS, labels[kept], [[values[kept] for values in one] for one in systems]) for kept in left]
    pulls = np.stack([one.observed().macro_f1.reshape(-1) for one in without]) - whole
    drawn = resample(counts, 7, 5).macro_f1.reshape(2 * groups, -1)
    assert drawn.mean(axis=0) == pytest.approx(whole)
    assert np.cov(drawn.T, ddof=1) == pytest.approx((groups - 1) / groups * pulls.T @ pulls, rel=1e-6)
    assert np.ptp(pulls[:, 0]) > 0


def test_a_task_without_labels_counts_for_nothing() -> None:
    labels, systems = example(rows=200)
    labels[:, 1] = IGNORE_INDEX
    drawn = resample(Counts(TASKS, labels, systems), 50, 0)
    assert np.array_equal(drawn.overall, drawn.macro_f1[..., 0])


@pytest.mark.parametrize("without", [(0,), (1,), (0, 1)])
def test_of_grouped_rows_a_task_without_labels_has_no_interval(without: tuple[int, ...]) -> None:
    labels, (first, second) = example(rows=60)
    labels[:, without] = IGNORE_INDEX
    groups = [str(number // 3) for number in range(60)]
    difference = paired_difference(rows_of(labels, groups), first, second, resamples=50)
    counts = Counts(TASKS, labels, [first, second], np.array(groups))
    for number, task in enumerate(TASKS):
        assert (difference.tasks[task.name].interval is None) == (number in without)
        assert sample_p(0.1, np.linspace(0, 0.2, 50), counts, task=number) == 1 or number not in without
    assert (difference.overall.interval is None) == (len(without) == 2)


@pytest.mark.parametrize("without", [(0,), (1,), (0, 1)])
def test_of_single_rows_it_has_none_either(without: tuple[int, ...]) -> None:
    labels, (first, second) = example(rows=60)
    labels[:, without] = IGNORE_INDEX
    difference = paired_difference(rows_of(labels), first, second, resamples=50)
    assert [difference.tasks[task.name].interval is None for task in TASKS] == [n in without for n in range(2)]
    assert difference.overall.value == (0 if len(without) == 2 else difference.tasks[TASKS[1 - without[0]].name].value)


@given(total=st.integers(1, 20_000), units=st.integers(1, 10**7))
def test_blocks_are_the_whole(total: int, units: int) -> None:
    assert sum(itertools.islice(blocks(total, units), 20_001)) == total


@pytest.mark.parametrize("units", [1, 1000, 2**21, 2**22, 2**23])
def test_blocks_need_no_more_than_16_mebibytes(units: int) -> None:
    assert next(blocks(10**9, units)) == max(1, 2**22 // units)


def test_mcnemar_of_known_counts() -> None:
    labels = np.zeros(30, dtype=np.int64)
    first, second = np.zeros(30, dtype=np.int64), np.zeros(30, dtype=np.int64)
    first[:9], second[9:11], second[20] = 1, 1, 1  # 9 rows only the second has right, 3 only the first
    result = mcnemar(labels, first, second)
    assert (result.only_first, result.only_second) == (3, 9)
    assert result.p == pytest.approx(2 * sum(comb(12, k) for k in range(4)) / 2**12)


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]), ([0.5], [0.5]), ([], []), ([0.9, 0.8], [1.0, 1.0])],
)
def test_holm_of_known_values(p_values: list[float], expected: list[float]) -> None:
    assert holm(p_values) == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(hits=st.integers(0, 50), wrong=st.integers(0, 50), missed=st.integers(0, 50))
def test_the_interval_of_f1_holds_it(hits: int, wrong: int, missed: int) -> None:
    interval = f1_interval(Share(hits, hits + wrong + missed))
    assert 0 <= interval.low <= interval.high <= 1
    if hits + wrong + missed:
        f1 = 2 * hits / (2 * hits + wrong + missed)
        assert interval.low - 1e-9 <= f1 <= interval.high + 1e-9
        more = f1_interval(Share(10 * hits, 10 * (hits + wrong + missed)))
        assert more.high - more.low < interval.high - interval.low
    else:
        assert interval == UNKNOWN


def test_shares_are_wilson() -> None:
    low, high = binomtest(8, 10).proportion_ci(0.9, method="wilson")
    interval, of_few = Share(8, 10).interval(0.9), Share(3, 3).interval()
    assert interval is not None
    assert of_few is not None
    assert (interval.low, interval.high) == pytest.approx((low, high))
    assert of_few.low > 0.4, "all of few rows right is no certainty"


def test_labels_may_be_missing_in_every_row_of_a_class() -> None:
    task = Task("t", ("a", "b", "never"), "t")
    labels = np.array([[0], [1], [0], [1]])
    result = Counts([task], labels, [[labels[:, 0]]]).observed()
    assert result.macro_f1[0, 0, 0] == pytest.approx(2 / 3), "an absent class counts 0"


def test_an_interval_holds_its_value_where_all_resamples_lie_on_one_side() -> None:
    """Of 200 rows a hundred classes have two each: a class that is not drawn counts 0 in every resample."""
    classes = tuple(map(str, range(100)))
    labels = np.repeat(np.arange(100), 2)[:, None]
    counts = Counts([Task("t", classes, "t")], labels, [[labels[:, 0]], [np.zeros(200, dtype=np.int64)]], None)
    value, drawn = counts.observed().overall[0, 0], resample(counts, 200, 0).overall[:, 0]
    assert drawn.max() < value
    found = sample_interval(float(value), drawn, counts)
    assert found is not None
    assert found.high == value


def test_the_choice_does_not_depend_on_the_order_in_which_runs_are_given() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 300)[:, None]
    said = [np.where(generator.random(300) < right, labels[:, 0], 0) for right in (0.5, 0.6, 0.55, 0.7)]
    task = Task("t", ("a", "b", "c"), "t")

    def corrected(order: list[int]) -> float:
        counts = Counts([task], labels, [[said[number]] for number in order], None)
        between = [0.0004 * (1 + number) for number in order]
        return select_best(counts, [[place] for place in range(4)], resamples=300, between=between, seed=0).corrected

    assert corrected([0, 1, 2, 3]) == pytest.approx(corrected([2, 0, 3, 1]), abs=1e-12)
