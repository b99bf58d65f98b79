"""Properties of the batch plan that hold for any sampler, size and number of ranks."""

import pickle
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polarity.data.plan import EvalBatches, TrainBatches, evaluation_plan
from polarity.errors import UserError
from polarity.samplers import JointSampler, NaturalSampler, Sampler
from polarity.tasks import IGNORE_INDEX, Task

TASKS = (Task("tone", ("calm", "angry"), "tone"), Task("topic", ("war", "trade", "none"), "topic"))


@dataclass
class Case:
    """A small split and how it is batched."""

    sampler: Sampler
    labels: np.ndarray
    settings: dict[str, Any]

    def batches(self, **changed: Any) -> TrainBatches:
        return TrainBatches(
            sampler=self.sampler,
            labels=self.labels,
            class_numbers=[2, 3],
            **{"seed": 1} | self.settings | changed,
        )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    size = draw(st.integers(4, 80))
    generator = np.random.default_rng(draw(st.integers(0, 1000)))
    labels = np.stack([generator.choice([0, 1, IGNORE_INDEX], size), generator.integers(0, 3, size)], axis=1)
    rows = draw(st.none() | st.integers(4, 120))
    natural = NaturalSampler(rows_per_epoch=rows)
    joint = JointSampler(alpha=0.7, max_mult=8.0, boosts={}, rows_per_epoch=rows)
    sampler = draw(st.sampled_from([natural, joint]))
    sampler.fit(labels, TASKS, seed=3)
    settings = {
        "lengths": generator.integers(3, 60, size),
        "batch_size": draw(st.integers(4, 16)),
        "accumulate": draw(st.integers(1, 4)),
        "mega_batches": draw(st.none() | st.integers(2, 6)),
    }
    return Case(sampler, labels, settings)


@settings(deadline=None)
@given(case=cases(), epoch=st.integers(0, 3))
def test_an_epoch_shows_exactly_the_draw(case: Case, epoch: int) -> None:
    plan = case.batches().plan(epoch)
    assert Counter(np.concatenate(plan).tolist()) == Counter(case.sampler.draw(epoch).tolist())
    sizes = [len(batch) for batch in plan]
    assert len(plan) == len(case.batches())
    assert max(sizes) <= case.settings["batch_size"]
    assert sum(size < case.settings["batch_size"] for size in sizes) <= 1


@settings(deadline=None)
@given(case=cases(), world_size=st.integers(1, 4), epoch=st.integers(0, 3))
def test_ranks_partition_every_global_batch(case: Case, world_size: int, epoch: int) -> None:
    ranks = [case.batches(rank=rank, world_size=world_size) for rank in range(world_size)]
    for rank in ranks:
        rank.set_epoch(epoch)
    plan = ranks[0].plan(epoch)
    for batch, *parts in zip(plan, *ranks, strict=True):
        assert sorted(np.concatenate([part.rows for part in parts if not part.blank])) == sorted(batch)
        assert all(len(part.rows) == 1 for part in parts if part.blank)
        sizes = [0 if part.blank else len(part.rows) for part in parts]
        assert max(sizes) - min(sizes) <= 1


@settings(deadline=None)
@given(case=cases(), world_size=st.integers(2, 4), epoch=st.integers(0, 3))
def test_the_number_of_ranks_changes_nothing(case: Case, world_size: int, epoch: int) -> None:
    alone, shared = case.batches(), case.batches(world_size=world_size)
    assert len(alone) == len(shared)
    for one, other in zip(alone.plan(epoch), shared.plan(epoch), strict=True):
        assert np.array_equal(one, other)


@settings(deadline=None)
@given(case=cases(), world_size=st.integers(1, 3))
def test_windows_count_the_labels_of_all_their_batches_on_all_ranks(case: Case, world_size: int) -> None:
    accumulate = case.settings["accumulate"]
    for rank in range(world_size):
        batches = case.batches(rank=rank, world_size=world_size)
        plan = batches.plan(0)
        for number, planned in enumerate(batches):
            start = number // accumulate * accumulate
            rows = np.concatenate(plan[start : start + accumulate])
            assert planned.window is not None
            for task, classes in enumerate([2, 3]):
                labels = case.labels[rows, task]
                expected = [(labels == label).sum() for label in range(classes)]
                assert planned.window[task].tolist() == expected
                assert planned.window[task].dtype == np.float32


@settings(deadline=None)
@given(case=cases(), micro=st.integers(1, 16), world_size=st.integers(1, 3), epoch=st.integers(0, 3))
def test_micro_batches_never_change_what_a_step_sees(case: Case, micro: int, world_size: int, epoch: int) -> None:
    size, accumulate = case.settings["batch_size"], case.settings["accumulate"]
    micro = max(world_size, min(micro, size))
    whole = case.batches(world_size=world_size)
    ranks = [case.batches(rank=rank, world_size=world_size, micro_batch_size=micro) for rank in range(world_size)]
    parts = ranks[0].parts
    assert len(ranks[0]) == parts * len(whole)
    assert ranks[0].accumulate == parts * accumulate
    for batches in (whole, *ranks):
        batches.set_epoch(epoch)
    cut = [list(rank) for rank in ranks]
    for number, (batch, planned) in enumerate(zip(whole.plan(epoch), whole, strict=True)):
        own = [rank[number * parts : (number + 1) * parts] for rank in cut]
        shown = [part.rows for rank in own for part in rank if not part.blank]
        assert sorted(np.concatenate(shown)) == sorted(batch)
        for same in zip(*own, strict=True):
            assert all(len(part.rows) for part in same)
            if len(batch) <= size:
                assert sum(len(part.rows) for part in same if not part.blank) <= micro
            for part in same:
                assert part.window is not None
                assert planned.window is not None
                assert [counts.tolist() for counts in part.window] == [counts.tolist() for counts in planned.window]


@settings(deadline=None)
@given(case=cases())
def test_the_plan_is_a_function_of_seed_and_epoch(case: Case) -> None:
    batches = case.batches()
    plans = [batches.plan(epoch) for epoch in (0, 1, 0)]
    again = case.batches().plan(1)
    assert all(np.array_equal(one, other) for one, other in zip(plans[0], plans[2], strict=True))
    assert all(np.array_equal(one, other) for one, other in zip(plans[1], again, strict=True))


def long_case(mega_batches: int | None) -> Case:
    labels = np.stack([np.arange(2000) % 2, np.arange(2000) % 3], axis=1)
    sampler = NaturalSampler(rows_per_epoch=None)
    sampler.fit(labels, TASKS, seed=3)
    lengths = np.random.default_rng(0).integers(5, 200, 2000)
    return Case(sampler, labels, {"lengths": lengths, "batch_size": 16, "accumulate": 3, "mega_batches": mega_batches})


def test_epochs_differ_and_so_do_seeds() -> None:
    for mega_batches in (None, 20):
        batches = long_case(mega_batches).batches()
        assert not np.array_equal(np.concatenate(batches.plan(0)), np.concatenate(batches.plan(1)))
    other = long_case(20).batches(seed=2)
    assert not np.array_equal(np.concatenate(long_case(20).batches().plan(0)), np.concatenate(other.plan(0)))


def padding(plan: list[np.ndarray], lengths: np.ndarray) -> float:
    """Share of the places in the batches that hold no token."""
    places = sum(len(batch) * lengths[batch].max() for batch in plan)
    return float(1 - sum(lengths[batch].sum() for batch in plan) / places)


def test_grouping_by_length_saves_padding() -> None:
    lengths = long_case(None).settings["lengths"]
    ungrouped, little, much = (padding(long_case(m).batches().plan(0), lengths) for m in (None, 4, 50))
    assert ungrouped > 0.4
    assert little < ungrouped / 2
    assert much < 0.03


def test_grouped_batches_come_in_no_order_of_length() -> None:
    case = long_case(50)
    means = [case.settings["lengths"][batch].mean() for batch in case.batches().plan(0)[:50]]
    assert abs(np.corrcoef(means, np.arange(50))[0, 1]) < 0.5


def test_without_grouping_the_draw_keeps_its_order() -> None:
    case = long_case(None)
    assert np.array_equal(np.concatenate(case.batches().plan(2)), case.sampler.draw(2))


def numbers(batches: TrainBatches) -> list[list[int]]:
    return [planned.rows.tolist() for planned in batches]


def test_an_epoch_resumes_at_a_batch_and_the_next_one_is_whole() -> None:
    whole, resumed = long_case(20).batches(), long_case(20).batches()
    for batches in (whole, resumed):
        batches.set_epoch(2)
    resumed.resume_at(2, 60)
    assert numbers(resumed) == numbers(whole)[60:]
    assert len(resumed) == len(whole) == 125
    windows = [planned.window for planned in resumed]
    assert windows[0] is not None
    assert windows[0][0].sum() == 48
    for batches in (whole, resumed):
        batches.set_epoch(3)
    assert numbers(resumed) == numbers(whole)


def test_the_end_of_an_epoch_is_the_beginning_of_the_next() -> None:
    whole, resumed = long_case(20).batches(), long_case(20).batches()
    resumed.resume_at(2, len(resumed))
    whole.set_epoch(3)
    assert numbers(resumed) == numbers(whole)


def test_a_place_between_two_optimizer_steps_is_refused() -> None:
    with pytest.raises(UserError, match="after batch 61 of epoch 3, between two optimizer steps"):
        long_case(20).batches().resume_at(2, 61)


def test_the_epoch_may_be_set_after_the_iterator_was_made() -> None:
    late, early = long_case(20).batches(), long_case(20).batches()
    iterator = iter(late)
    late.set_epoch(4)
    early.set_epoch(4)
    assert [planned.rows.tolist() for planned in iterator] == numbers(early)


def test_a_limit_ends_the_epoch_early_with_a_window_of_what_is_left() -> None:
    batches = long_case(20).batches()
    batches.limit = 4
    planned = list(batches)
    assert len(planned) == 4
    assert len(batches) == 125
    assert planned[-1].window is not None
    assert planned[-1].window[0].sum() == 16
    assert [batch.rows.tolist() for batch in planned] == numbers(long_case(20).batches())[:4]


def test_fewer_rows_than_devices_are_refused() -> None:
    with pytest.raises(UserError, match="batch_size: 16 rows cannot be shared by 17 devices"):
        long_case(20).batches(world_size=17)
    case = long_case(20)
    case.sampler.rows_per_epoch = 3
    with pytest.raises(UserError, match="rows per epoch: 3 rows cannot be shared by 4 devices"):
        case.batches(world_size=4)


def test_rows_until_a_batch_are_those_of_the_plan() -> None:
    batches = long_case(50).batches()
    plan = batches.plan(1)
    for count in (0, 1, len(plan) // 2, len(plan)):
        assert batches.rows_until(1, count) == sum(map(len, plan[:count]))


def test_plans_travel_to_worker_processes() -> None:
    batches = long_case(20).batches()
    assert numbers(pickle.loads(pickle.dumps(batches))) == numbers(batches)


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(1, 50), min_size=0, max_size=60).map(np.array),
    batch_size=st.integers(1, 20),
    world_size=st.integers(1, 5),
)
def test_evaluation_holds_each_row_once_over_all_ranks(lengths: np.ndarray, batch_size: int, world_size: int) -> None:
    ranks = [
        EvalBatches(lengths=lengths, batch_size=batch_size, rank=rank, world_size=world_size)
        for rank in range(world_size)
    ]
    batches = [planned for rank in ranks for planned in rank]
    counted = [row for planned in batches if not planned.blank for row in planned.rows.tolist()]
    assert sorted(counted) == list(range(len(lengths)))
    assert all(0 < len(planned.rows) <= batch_size for planned in batches)
    assert [len(list(rank)) for rank in ranks] == [len(rank) for rank in ranks]
    assert len({len(rank) for rank in ranks}) == 1, "else some would wait for the others' forward passes"
    plan = evaluation_plan(lengths, batch_size, world_size)
    assert [row for planned in plan for row in planned.rows.tolist()] == counted


def test_evaluation_is_sorted_by_length_and_always_the_same() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, 200).astype(np.int32)
    batches = EvalBatches(lengths=lengths, batch_size=16)
    rows = np.concatenate([planned.rows for planned in batches])
    assert (np.diff(lengths[rows]) <= 0).all()
    assert np.array_equal(rows, np.concatenate([planned.rows for planned in batches]))
    assert all(planned.window is None for planned in batches)


def test_evaluation_of_fewer_rows_than_ranks_fills_some_with_what_does_not_count() -> None:
    ranks = [EvalBatches(lengths=np.array([5, 9]), batch_size=4, rank=rank, world_size=3) for rank in range(3)]
    seen = [[(planned.rows.tolist(), planned.blank) for planned in rank] for rank in ranks]
    assert seen == [[([1], False)], [([0], False)], [([0], True)]]
