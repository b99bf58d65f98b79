"""Vector scaling: its optimum, its pull, and classes without rows."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax

from polarity.calibration import TemperatureScaling, VectorScaling
from polarity.calibration.temperature import inverse_temperature


def skewed(rows: int = 500, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels; each class's logit has a scale and a shift of its own."""
    generator = np.random.default_rng(seed)
    right = 2 * generator.normal(size=(rows, 3))
    labels = (right + generator.gumbel(size=right.shape)).argmax(axis=1)
    return right * [0.5, 1.0, 3.0] + [1.0, 0.0, -2.0], labels


def test_it_is_the_minimum_of_its_formula() -> None:
    logits, labels = skewed()
    start, penalty = inverse_temperature(logits, labels), 2.0

    def objective(values: np.ndarray) -> float:
        scale, shift = values[:3], values[3:]
        loss = -log_softmax(logits * scale + shift, axis=1)[np.arange(len(labels)), labels].sum()
        return float(loss + penalty / 2 * (((scale / start - 1) ** 2).sum() + (shift**2).sum()))

    scaling = VectorScaling(penalty=penalty).fit(logits, labels)
    result = objective(np.array([*scaling.scale, *scaling.shift]))
    assert result <= minimize(objective, [start] * 3 + [0.0] * 3, method="BFGS").fun + 1e-6


def test_it_undoes_scales_and_shifts_of_classes() -> None:
    scaling = VectorScaling().fit(*skewed(60_000))
    np.testing.assert_allclose(scaling.scale, [2.0, 1.0, 1 / 3], rtol=0.06)
    shift = np.array(scaling.shift) - scaling.shift[1]
    np.testing.assert_allclose(shift, [-2.0, 0.0, 2 / 3], atol=0.08)


def test_a_strong_pull_leaves_the_temperature() -> None:
    logits, labels = skewed()
    near, temperature = VectorScaling(penalty=1e9).fit(logits, labels), TemperatureScaling().fit(logits, labels)
    np.testing.assert_allclose(near.scale, temperature.scale, rtol=1e-5)
    np.testing.assert_allclose(near.shift, 0, atol=1e-5)


def test_it_is_never_less_likely_than_the_temperature() -> None:
    logits, labels = skewed()
    likelihood = [
        kind.fit(logits, labels).log_probabilities(logits)[np.arange(len(labels)), labels].mean()
        for kind in (TemperatureScaling(), VectorScaling(penalty=100.0), VectorScaling(penalty=1.0))
    ]
    assert likelihood == sorted(likelihood)


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_a_class_without_rows_keeps_the_temperature(absent: int) -> None:
    logits, labels = skewed()
    chosen = labels != absent
    scaling = VectorScaling().fit(logits[chosen], labels[chosen])
    assert scaling.scale[absent] == pytest.approx(inverse_temperature(logits[chosen], labels[chosen]))
    assert scaling.shift[absent] == 0
