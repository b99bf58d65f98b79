"""Temperature scaling against scikit-learn and against its formula."""

import warnings

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from polarity.calibration import TemperatureScaling
from polarity.calibration.temperature import inverse_temperature


class Known(ClassifierMixin, BaseEstimator):
    """A classifier whose decision function is its input."""

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> "Known":
        self.classes_ = np.unique(labels)
        return self

    def decision_function(self, logits: np.ndarray) -> np.ndarray:
        return logits

    def predict(self, logits: np.ndarray) -> np.ndarray:
        return logits.argmax(axis=1)


def sample(rows: int, classes: int, factor: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are ``factor`` times too large, and labels drawn from the right probabilities."""
    generator = np.random.default_rng(seed)
    right = 2 * generator.normal(size=(rows, classes))
    noise = generator.gumbel(size=right.shape)
    return factor * right, (right + noise).argmax(axis=1)


@pytest.mark.parametrize("classes", [3, 5])
@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_it_is_that_of_scikit_learn(factor: float, classes: int) -> None:
    logits, labels = sample(600, classes, factor, seed=classes)
    oracle = CalibratedClassifierCV(FrozenEstimator(Known().fit(logits, labels)), method="temperature", ensemble=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = oracle.fit(logits, labels).predict_proba(logits)
    result = np.exp(TemperatureScaling().fit(logits, labels).log_probabilities(logits))
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_it_finds_the_temperature_that_was_there() -> None:
    logits, labels = sample(50_000, 3, 2.5, seed=0)
    assert 1 / inverse_temperature(logits, labels) == pytest.approx(2.5, rel=0.03)


def test_no_other_temperature_is_better() -> None:
    logits, labels = sample(400, 4, 3.0, seed=1)
    best = inverse_temperature(logits, labels)

    def loss(inverse: float) -> float:
        return -float(log_softmax(logits * inverse, axis=1)[np.arange(400), labels].mean())

    assert all(loss(best) <= loss(best * factor) for factor in (0.5, 0.9, 0.999, 1.001, 1.1, 2.0))


@pytest.mark.parametrize("unit", [1e-20, 1e-3, 1e3, 1e30])
def test_the_unit_of_the_logits_does_not_matter(unit: float) -> None:
    logits, labels = sample(300, 3, 1.0, seed=2)
    assert inverse_temperature(unit * logits, labels) * unit == pytest.approx(inverse_temperature(logits, labels))


@pytest.mark.parametrize("margin", [0.0, 1e-6, 0.03, 0.1, 1.0, 100.0])
def test_where_no_row_is_wrong_nothing_is_learnt(margin: float) -> None:
    logits, _ = sample(50, 3, 1.0, seed=3)
    labels = logits.argmax(axis=1)
    assert inverse_temperature(logits + margin * np.eye(3)[labels], labels) == 1.0


def test_one_row_of_huge_logits_does_not_hide_the_others() -> None:
    logits, labels = sample(300, 3, 2.0, seed=5)
    alone = inverse_temperature(logits, labels)
    logits, labels = np.vstack([logits, [1e6, 0.0, 0.0]]), np.append(labels, 0)
    assert inverse_temperature(logits, labels) == pytest.approx(alone, rel=1e-3)


def test_logits_that_are_all_equal_stay() -> None:
    assert inverse_temperature(np.ones((6, 3)), np.arange(6) % 3) == 1.0


def test_logits_that_are_always_wrong_become_uninformative() -> None:
    logits, _ = sample(200, 3, 1.0, seed=4)
    scaling = TemperatureScaling().fit(logits, logits.argmin(axis=1))
    probabilities = np.exp(scaling.log_probabilities(logits))
    np.testing.assert_allclose(probabilities, 1 / 3, rtol=0.01)
    assert (probabilities.argmax(axis=1) == logits.argmax(axis=1)).all()
