"""Properties of every sampler."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from polarity.errors import UserError
from polarity.samplers import JointSampler, Sampler
from polarity.samplers.base import BATCH_STREAM, DRAW_STREAM, epoch_generator
from polarity.tasks import IGNORE_INDEX, Task
from tests.presets import shipped

TASKS = (Task("tone", ("calm", "angry"), "tone"), Task("topic", ("war", "trade", "none"), "topic"))
BOOSTS = {"topic": {"war": 3.0}}


def every_sampler(rows_per_epoch: int | None) -> list[Sampler]:
    return [
        *shipped("sampler", rows_per_epoch=rows_per_epoch),
        JointSampler(alpha=0.7, max_mult=8.0, boosts=BOOSTS, rows_per_epoch=rows_per_epoch),
        JointSampler(alpha=0.0, max_mult=None, boosts={}, rows_per_epoch=rows_per_epoch),
    ]


def some_labels(rows: int = 60) -> np.ndarray:
    generator = np.random.default_rng(0)
    return np.stack([generator.integers(0, 2, rows), generator.choice([0, 1, 2, IGNORE_INDEX], rows)], axis=1)


@pytest.mark.parametrize("rows_per_epoch", [None, 7, 60, 500])
def test_the_draw_has_the_announced_length_and_holds_rows_of_the_split(rows_per_epoch: int | None) -> None:
    for sampler in every_sampler(rows_per_epoch):
        sampler.fit(some_labels(), TASKS, seed=1)
        draw = sampler.draw(0)
        assert len(draw) == sampler.rows_drawn == (rows_per_epoch or 60)
        assert draw.dtype == np.int64
        assert draw.min() >= 0
        assert draw.max() < 60


@pytest.mark.parametrize("sampler", every_sampler(None))
def test_the_draw_is_a_function_of_seed_and_epoch_alone(sampler: Sampler) -> None:
    sampler.fit(some_labels(), TASKS, seed=1)
    first = sampler.draw(3)
    np.random.default_rng().random(5)
    assert np.array_equal(sampler.draw(3), first)
    assert not np.array_equal(sampler.draw(4), first)
    sampler.fit(some_labels(), TASKS, seed=2)
    assert not np.array_equal(sampler.draw(3), first)
    sampler.fit(some_labels(), TASKS, seed=1)
    assert np.array_equal(sampler.draw(3), first)


@pytest.mark.parametrize("sampler", every_sampler(None))
def test_seed_and_epoch_do_not_trade_places(sampler: Sampler) -> None:
    draws = []
    for seed, epoch in [(0, 1), (1, 0), (0, 2), (2, 0), (1, 1)]:
        sampler.fit(some_labels(), TASKS, seed=seed)
        draws.append(sampler.draw(epoch).tolist())
    assert all(first != second for i, first in enumerate(draws) for second in draws[:i])


def test_generators_of_different_seeds_epochs_and_purposes_have_nothing_in_common() -> None:
    streams = (DRAW_STREAM, BATCH_STREAM)
    assert len({*streams, 0}) == 3
    first = [
        epoch_generator(seed, epoch, stream).random() for seed in range(4) for epoch in range(4) for stream in streams
    ]
    assert len(set(first)) == len(first)


@pytest.mark.parametrize("sampler", every_sampler(None))
def test_drawing_leaves_the_global_generator_alone(sampler: Sampler) -> None:
    sampler.fit(some_labels(), TASKS, seed=1)
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    sampler.draw(0)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.parametrize("sampler", every_sampler(None))
def test_rows_without_any_label_are_never_shown_and_change_nothing(sampler: Sampler) -> None:
    labels = some_labels()
    sampler.fit(labels, TASKS, seed=1)
    weights = sampler.weights
    sampler.fit(np.concatenate([labels, np.full((40, 2), IGNORE_INDEX)]), TASKS, seed=1)
    assert np.array_equal(sampler.weights, np.concatenate([weights, np.zeros(40)]))
    assert sampler.rows_drawn == 60
    assert sampler.draw(0).max() < 60


@pytest.mark.parametrize("sampler", every_sampler(None))
def test_a_split_without_any_label_is_refused(sampler: Sampler) -> None:
    with pytest.raises(UserError, match="no row has a label"):
        sampler.fit(np.full((4, 2), IGNORE_INDEX), TASKS, seed=1)


@pytest.mark.parametrize("sampler", every_sampler(None))
def test_an_unfitted_sampler_says_so(sampler: Sampler) -> None:
    with pytest.raises(RuntimeError, match="has not been fitted"):
        sampler.draw(0)


@settings(max_examples=25, deadline=None)
@given(labels=hnp.arrays(np.int64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.sampled_from([0, 1, -100])))
def test_weights_belong_to_rows_not_to_places(labels: np.ndarray) -> None:
    if (labels == IGNORE_INDEX).all():
        return
    order = np.random.default_rng(0).permutation(len(labels))
    for sampler in every_sampler(None):
        sampler.fit(labels, TASKS, seed=0)
        weights = sampler.weights
        assert np.isfinite(weights).all()
        assert ((weights > 0) == (labels != IGNORE_INDEX).any(axis=1)).all()
        sampler.fit(labels[order], TASKS, seed=0)
        np.testing.assert_allclose(sampler.weights, weights[order])


@pytest.mark.parametrize("sampler", every_sampler(50_000))
def test_realised_exposure_comes_close_to_the_expected(sampler: Sampler) -> None:
    labels = some_labels()
    sampler.fit(labels, TASKS, seed=1)
    expected, realised = sampler.expected_exposure(), sampler.realised_exposure(sampler.draw(0))
    for of_task, shown in zip(expected.classes, realised.classes, strict=True):
        np.testing.assert_allclose(shown, of_task, rtol=0.05)
    for cell, count in expected.cells.items():
        assert realised.cells[cell] == pytest.approx(count, rel=0.1)
    assert sum(expected.cells.values()) == pytest.approx(50_000)


@pytest.mark.parametrize("sampler", every_sampler(9))
def test_a_sampler_prints_its_settings(sampler: Sampler) -> None:
    assert repr(sampler).startswith(type(sampler).__name__ + "(")
    assert "rows_per_epoch=9" in repr(sampler)
    assert all(f"{name}={value!r}" in repr(sampler) for name, value in sampler.settings.items())


class Broken(Sampler):
    """Gives something else than what a sampler owes."""

    def __init__(self, *, weights: object = None, draw: object = None) -> None:
        super().__init__(rows_per_epoch=None)
        self.given = weights, draw

    def _row_weights(self, labels: np.ndarray, tasks: object) -> np.ndarray:
        return np.ones(len(labels)) if self.given[0] is None else np.asarray(self.given[0])

    def _draw(self, weights: np.ndarray, generator: object) -> np.ndarray:
        return np.asarray(self.given[1])


@pytest.mark.parametrize("weights", [[1.0], [-1.0] * 60, [float("nan")] * 60, np.ones((60, 2))])
def test_weights_that_are_not_those_of_the_labelled_rows_are_refused(weights: object) -> None:
    with pytest.raises(UserError, match=r"sampler: Broken._row_weights has to give a finite weight.*60 labelled rows"):
        Broken(weights=weights).fit(some_labels(), TASKS, seed=1)


@pytest.mark.parametrize("draw", [[0, 1], [0] * 180, [60] * 60, [-1] * 60, [0.0] * 60, [[0]] * 60])
def test_a_draw_that_is_not_the_announced_one_is_refused(draw: object) -> None:
    sampler = Broken(draw=draw)
    sampler.fit(some_labels(), TASKS, seed=1)
    with pytest.raises(UserError, match=r"sampler: Broken._draw has to give 60 numbers of rows, from 0 to 59"):
        sampler.draw(0)


class Restless(Broken):
    """Draws from a generator of its own."""

    def _draw(self, weights: np.ndarray, generator: object) -> np.ndarray:
        return np.random.default_rng().permutation(60)


def test_a_sampler_that_draws_from_elsewhere_is_refused() -> None:
    """Devices, of which each draws for itself, would repeat rows and lose others."""
    sampler = Restless()
    sampler.fit(some_labels(), TASKS, seed=0)
    with pytest.raises(UserError, match=r"sampler: Restless._draw gives other rows for the same generator"):
        sampler.draw(0)
