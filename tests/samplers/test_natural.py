import numpy as np
import pytest

from polarity.samplers import NaturalSampler
from polarity.tasks import IGNORE_INDEX, Task

TASKS = (Task("tone", ("calm", "angry"), "tone"),)
LABELS = np.array([[0], [1], [IGNORE_INDEX], [0], [1], [1]])
LABELLED = [0, 1, 3, 4, 5]


def fitted(rows_per_epoch: int | None) -> NaturalSampler:
    sampler = NaturalSampler(rows_per_epoch=rows_per_epoch)
    sampler.fit(LABELS, TASKS, seed=0)
    return sampler


def test_a_draw_is_that_of_its_seed_and_epoch_in_every_version() -> None:
    sampler = NaturalSampler(rows_per_epoch=None)
    sampler.fit(LABELS, TASKS, seed=7)
    drawn = np.random.default_rng(np.random.SeedSequence([7, 2, 1])).permutation(LABELLED)
    assert sampler.draw(2).tolist() == drawn.tolist()


def test_each_labelled_row_comes_once_in_shuffled_order() -> None:
    draws = [fitted(None).draw(epoch).tolist() for epoch in range(10)]
    assert all(sorted(draw) == LABELLED for draw in draws)
    assert len(set(map(tuple, draws))) > 1


def test_fewer_rows_are_a_subset_without_repeats_new_each_epoch() -> None:
    draws = [fitted(3).draw(epoch).tolist() for epoch in range(30)]
    assert all(len(set(draw)) == 3 for draw in draws)
    assert set().union(*draws) == set(LABELLED)


@pytest.mark.parametrize("rows", [6, 10, 13])
def test_more_rows_are_whole_passes(rows: int) -> None:
    draw = fitted(rows).draw(0)
    counts = np.bincount(draw, minlength=6)[LABELLED]
    assert len(draw) == rows
    assert counts.max() - counts.min() <= 1


def test_the_expected_exposure_of_one_pass_is_the_split_itself() -> None:
    sampler = fitted(None)
    expected, natural = sampler.expected_exposure(), sampler.natural_exposure()
    np.testing.assert_allclose(expected.classes[0], natural.classes[0])
    np.testing.assert_allclose(natural.classes[0], [2, 3])
