"""Rows in groups: intervals hold the truth however few groups there are, and of one group nothing is said."""

import numpy as np
import pytest
from scipy.stats import t as student

from benchmarks.few_groups import TASK, WORLDS, World, tried
from polarity.evaluation.predictions import Predictions, TaskPredictions
from polarity.statistics import intervals, paired_difference
from polarity.statistics.counts import Counts
from polarity.statistics.groups import about_groups, group_freedom
from polarity.statistics.interval import UNKNOWN, Share, f1_interval
from polarity.statistics.percentile import sample_p
from polarity.statistics.resample import resample
from polarity.statistics.score_intervals import Intervals, mean_f1_interval


@pytest.mark.parametrize("world", [World(2, 60, 0, 0.8), World(6, 35, 0, 0.8), World(12, 30, 0.8, 0.8)], ids=str)
def test_few_groups_hold_the_truth(world: World) -> None:
    held = tried(world, 50)
    for score in held.inside:
        assert held.coverage(score) >= 0.86
    assert np.mean(held.alarms) <= 0.14


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_intervals_of_groups_hold_the_truth(world: World) -> None:
    held = tried(world, 300)
    for score in held.inside:
        assert held.coverage(score) >= 0.915  # 95 % but for four standard errors of 300 data sets
    assert np.mean(held.alarms) <= 0.095


def drawn(world: World) -> tuple[Predictions, list[list[np.ndarray]]]:
    return world.draw(np.random.default_rng(5))


def all_of(estimates: Intervals) -> list[object]:
    task = estimates.tasks[TASK.name]
    by_class = [value for one in task.per_class.values() for value in (one.precision, one.recall, one.f1)]
    return [estimates.overall, task.macro_f1, task.accuracy, *by_class]


def test_of_one_group_nothing_is_said() -> None:
    rows, (first, second) = drawn(World(1, 300, 0, 0.8))
    assert set(all_of(intervals(rows, first, resamples=50))) == {None}
    difference = paired_difference(rows, first, second, resamples=50).overall
    assert difference.interval is None
    assert difference.p == 1
    counts = Counts([TASK], rows.labels, [first, second], rows.clusters)
    assert sample_p(0.1, np.linspace(0, 0.2, 50), counts) == 1


def test_a_group_that_is_nearly_everything_is_as_good_as_alone() -> None:
    rows, (first, _) = drawn(World(1, 300, 0, 0.8))
    posts = ["a"] * (len(rows) - 2) + ["b", "c"]
    predictions = Predictions(rows.ids, rows.tasks, {"post": posts}, group="post")
    assert intervals(predictions, first, resamples=50).overall is None


@pytest.mark.parametrize(("sizes", "known"), [([40], False), ([300, 1, 1], False), ([20, 20], True)])
def test_a_class_that_is_never_found_has_no_interval_where_groups_can_say_nothing(
    sizes: list[int], *, known: bool
) -> None:
    posts = [str(post) for post, size in enumerate(sizes) for _ in range(size)]
    labels = [row % 2 for row in range(len(posts))]  # the third class is neither there nor decided for
    found = intervals(of_labels(labels, posts), [np.zeros(len(labels), dtype=int)], resamples=50)
    absent = found.tasks[TASK.name].per_class[TASK.classes[2]]
    assert [absent.precision, absent.recall, absent.f1] == [UNKNOWN if known else None] * 3
    assert (found.tasks[TASK.name].per_class[TASK.classes[1]].precision is None) != known
    assert (found.overall is None) != known


def test_many_groups_give_the_interval_of_their_bootstrap() -> None:
    rows, (first, _) = drawn(World(400, 4, 0, 0.8))
    estimates = intervals(rows, first, resamples=4000).overall
    by_rows = intervals(Predictions(rows.ids, rows.tasks), first, resamples=4000).overall
    assert estimates is not None
    assert by_rows is not None
    alone = Predictions(rows.ids, rows.tasks, {"post": rows.ids}, group="post")
    each = intervals(alone, first, resamples=4000).overall
    assert each is not None
    assert each.low == pytest.approx(by_rows.low, abs=0.004)
    assert each.high == pytest.approx(by_rows.high, abs=0.004)
    assert estimates.high - estimates.low > by_rows.high - by_rows.low


def test_groups_of_equal_size_leave_one_degree_less_than_there_are() -> None:
    assert group_freedom(np.full(7, 30)) == pytest.approx(6)
    assert group_freedom(np.array([1, 1, 1])) == pytest.approx(2)
    assert group_freedom(np.array([5, 0, 5, 0])) == pytest.approx(1)
    assert group_freedom(np.array([1000, 10, 10])) < 0.1
    assert group_freedom(np.array([1, 11])) == pytest.approx(23**2 / (1 + 22**2) - 1)  # 11 rows vary as 22 do
    assert group_freedom(np.zeros(3)) == 0


def test_a_share_in_groups_is_wider_and_never_without_width() -> None:
    hits, trials = np.array([9.0, 2, 8, 3, 10, 1]), np.full(6, 10.0)
    grouped, alone = Share(33, 60, np.stack([hits, trials])).interval(), Share(33, 60).interval()
    assert grouped is not None
    assert alone is not None
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)
    perfect = Share(60, 60, np.stack([trials, trials])).interval()
    assert perfect is not None
    assert perfect.low < 0.7
    assert perfect.high == 1
    assert Share(10, 10, np.array([[10.0], [10.0]])).interval() is None


def of_labels(labels: list[int], groups: list[str] | None = None) -> Predictions:
    indices = np.array(labels)
    metadata = {} if groups is None else {"post": groups}
    task_predictions = (TaskPredictions(TASK, indices, indices),)
    return Predictions(
        [str(n) for n in range(len(labels))], task_predictions, metadata, group=None if groups is None else "post"
    )


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("present", [[0, 1, 2], [0, 1]])
def test_perfect_scores_have_intervals(present: list[int], grouped: bool) -> None:
    labels = [present[row % len(present)] for row in range(60)]
    posts = [str(row // 6) for row in range(60)] if grouped else None
    rows = of_labels(labels, posts)
    estimates = intervals(rows, [np.array(labels)], resamples=200)
    value = len(present) / 3
    assert estimates.overall is not None
    assert estimates.overall.low < value - 3 / 60 / 3
    assert estimates.overall.high == pytest.approx(1)  # a class without rows may be found as well as any other


@pytest.mark.parametrize(
    ("hits", "trials"), [([3, 1, 4, 0], [5, 5, 5, 5]), ([9, 2, 1], [10, 2, 6]), ([4, 0, 1], [4, 1, 1])]
)
def test_the_interval_of_a_share_has_the_variance_of_the_jackknife(hits: list[int], trials: list[int]) -> None:
    groups = np.array([hits, trials], dtype=np.float64)
    share = sum(hits) / sum(trials)
    without = [(sum(hits) - h) / (sum(trials) - n) for h, n in zip(hits, trials, strict=True)]
    variance = (1 - 1 / len(hits)) * sum((value - share) ** 2 for value in without)
    rows = min(sum(trials), share * (1 - share) / variance)
    interval = Share(sum(hits), sum(trials), groups).interval()
    assert interval is not None
    for end in (interval.low, interval.high):  # Wilson's ends are where the share is as far off as the quantile says
        errors = abs(end - share) / np.sqrt(end * (1 - end) / rows)
        assert errors == pytest.approx(student.ppf(0.975, group_freedom(groups[1])))


def test_a_systems_interval_does_not_depend_on_its_place_among_others() -> None:
    """Also where no sample shows a class: its own interval is that of this system."""
    labels = np.tile([0, 1, 2], 20)[:, None]
    predictions = of_labels(labels[:, 0].tolist())
    wrong, right = [np.roll(labels[:, 0], 1)], [labels[:, 0]]
    found = []
    for systems, place in (([right], 0), ([wrong, right], 1), ([wrong, wrong, right], 2)):
        counts = Counts([item.task for item in predictions.tasks], labels, systems, predictions.clusters)
        observed, drawn = counts.observed(), resample(counts, 50, 0)
        found.append(mean_f1_interval(counts, observed, drawn, place, confidence=0.95))
    assert found[0] is not None
    assert found[0].low < 1
    assert found[1:] == found[:1] * 2


def test_where_nothing_is_right_what_none_of_the_rows_shows_may_still_be_there() -> None:
    labels = np.array([0, 1] * 20)
    found = intervals(of_labels(labels.tolist()), [1 - labels], resamples=50).overall
    by_class = [f1_interval(Share(0, 40)), f1_interval(Share(0, 40)), UNKNOWN]  # the last has no row at all
    square = student.ppf(0.975, 1e9) ** 2
    reach = np.sqrt(sum(interval.high**2 for interval in by_class if interval)) / 3
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0, np.hypot(square / (40 + square), reach)), rel=1e-4)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["a"] * 3 + ["b"] * 3 + ["c"] * 3, "intervals take the 3 values of thread as wholes, since"),
        (["a", "b", "", "", "c"], "intervals take the 3 values of thread as wholes, and rows without one singly (2)"),
        (["a"] * 30 + ["b", "c", "d", "e"], "30 of 34 rows are of one thread, which cannot say"),
        (["a"] * 3, "all rows are of one thread, which cannot say"),
    ],
)
def test_what_intervals_take_as_wholes(values: list[str], told: str) -> None:
    assert about_groups("thread", values).startswith(told)
