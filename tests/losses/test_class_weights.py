"""Class weights against the campaign's golden values and the papers' formulas."""

import numpy as np
import pytest

from polarity.errors import UserError, nearest
from polarity.losses import ClassWeights
from polarity.tasks import Task

TASKS = (
    Task("sentiment", ("negative", "neutral", "positive"), "sentiment"),
    Task("polarization", ("non_polarized", "objective", "partisan"), "polarization"),
)
COUNTS = ([4133, 1874, 968], [1942, 405, 4628])
MULTIPLIERS = {
    "sentiment": {"negative": 1.10, "neutral": 1.80, "positive": 1.30},
    "polarization": {"non_polarized": 1.20, "objective": 2.50, "partisan": 0.95},
}
OFF = {"mode": None, "multipliers": {}, "clip": None, "effective_beta": None}


def weights(**settings: object) -> list[np.ndarray]:
    return ClassWeights(**{**OFF, **settings}).compute(TASKS, COUNTS)


def test_golden_values_of_the_campaign() -> None:
    sentiment, polarization = weights(mode="balanced", multipliers=MULTIPLIERS, clip=[0.1, 10.0])
    np.testing.assert_allclose(sentiment, [0.618800, 2.233191, 3.122417], atol=5e-7)
    np.testing.assert_allclose(polarization, [1.436663, 10.0, 0.477258], atol=5e-7)


def test_null_is_one_for_every_class() -> None:
    assert [weight.tolist() for weight in weights()] == [[1, 1, 1], [1, 1, 1]]


def test_null_with_multipliers_is_weights_by_name() -> None:
    sentiment, polarization = weights(multipliers={"sentiment": {"positive": 4.0}})
    assert sentiment.tolist() == [1, 1, 4]
    assert polarization.tolist() == [1, 1, 1]


def test_balanced_gives_every_class_the_same_total() -> None:
    for weight, count in zip(weights(mode="balanced"), COUNTS, strict=True):
        np.testing.assert_allclose(weight * count, np.mean(count))


def test_effective_is_the_formula_of_the_paper_scaled_to_mean_one() -> None:
    for weight, count in zip(weights(mode="effective", effective_beta=0.999), COUNTS, strict=True):
        expected = np.array([(1 - 0.999) / (1 - 0.999**rows) for rows in count])
        np.testing.assert_allclose(weight, expected / expected.sum() * 3, rtol=1e-10)
        assert weight.mean() == pytest.approx(1)


def test_effective_is_exact_for_beta_next_to_one() -> None:
    # there it is "balanced", scaled to mean 1; computed as 1 - beta**n it would be noise
    near, balanced = weights(mode="effective", effective_beta=1 - 1e-13), weights(mode="balanced")
    for weight, expected in zip(near, balanced, strict=True):
        np.testing.assert_allclose(weight, expected / expected.mean(), rtol=1e-6)


def test_clip_bounds_the_weights_after_the_multipliers() -> None:
    _, polarization = weights(mode="balanced", multipliers={"polarization": {"objective": 100.0}}, clip=[0.9, 2.5])
    assert polarization.tolist() == [pytest.approx(6975 / (3 * 1942)), 2.5, 0.9]


def test_a_clip_may_leave_one_weight() -> None:
    assert [weight.tolist() for weight in weights(mode="balanced", clip=[1.0, 1.0])] == [[1, 1, 1], [1, 1, 1]]


@pytest.mark.parametrize(("mode", "beta"), [("balanced", None), ("effective", 0.9)])
def test_classes_without_rows_are_all_named_instead_of_weighing_infinitely(mode: str, beta: float | None) -> None:
    with pytest.raises(UserError) as caught:
        ClassWeights(**{**OFF, "mode": mode, "effective_beta": beta}).compute(TASKS, ([5, 0, 5], [0, 1, 0]))
    named = [problem.split()[1] for problem in caught.value.problems]
    assert named == ["sentiment.neutral", "polarization.non_polarized", "polarization.partisan"]


def test_null_takes_classes_without_rows() -> None:
    counts = ([5, 0, 5], [0, 0, 0])
    assert [weight.tolist() for weight in ClassWeights(**OFF).compute(TASKS, counts)] == [[1, 1, 1], [1, 1, 1]]


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"mode": "effective"}, "effective_beta"),
        ({"mode": "balanced", "effective_beta": 0.99}, "effective_beta"),
        ({"effective_beta": 0.99}, "effective_beta"),
        ({"mode": "balanced", "clip": [10.0, 0.1]}, "clip"),
        ({"clip": [0.1, 10.0]}, "clip"),
        ({"mode": "balanced", "clip": [0.0, 0.0]}, "clip"),
    ],
)
def test_contradictions_and_settings_without_effect_are_refused(settings: dict[str, object], key: str) -> None:
    with pytest.raises(UserError, match=rf"^{key}: "):
        ClassWeights(**{**OFF, **settings})


def test_all_contradictions_are_reported_at_once() -> None:
    with pytest.raises(UserError) as caught:
        ClassWeights(**{**OFF, "effective_beta": 0.9, "clip": [0.1, 10.0]})
    assert len(caught.value.problems) == 2


def test_names_with_commas_are_told_apart() -> None:
    assert nearest("No", ["No, thanks", "yes"], what="classes").endswith("(classes: 'No, thanks', yes)")


def test_a_task_of_which_nothing_would_be_trained_is_refused() -> None:
    nothing = {"sentiment": dict.fromkeys(("negative", "neutral", "positive"), 0.0)}
    (problem,) = ClassWeights(**{**OFF, "multipliers": nothing}).problems(TASKS)  # type: ignore[arg-type]
    assert problem.startswith("multipliers.sentiment: all classes have 0, so nothing of it would be trained")
    some = {"sentiment": {"negative": 0.0, "neutral": 0.0}}
    assert ClassWeights(**{**OFF, "multipliers": some}).problems(TASKS) == []  # type: ignore[arg-type]


def test_unknown_names_come_with_the_nearest_valid_one() -> None:
    table = {"sentiment": {"negativ": 1.0}, "polarisation": {"partisan": 1.0}}
    problems = ClassWeights(**{**OFF, "multipliers": table}).problems(TASKS)
    assert len(problems) == 2
    assert any("multipliers.sentiment.negativ:" in problem and "'negative'" in problem for problem in problems)
    assert any("multipliers.polarisation:" in problem and "'polarization'" in problem for problem in problems)
