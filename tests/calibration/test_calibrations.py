"""Properties of every calibration."""

import json

import numpy as np
import pytest

from polarity.calibration import Calibration, NoCalibration, Scaling, VectorScaling
from tests.presets import shipped

CALIBRATIONS = [*shipped("calibration"), VectorScaling(penalty=50.0)]
LEARNT = [calibration for calibration in CALIBRATIONS if not isinstance(calibration, NoCalibration)]
every_calibration = pytest.mark.parametrize("calibration", CALIBRATIONS)


def sample(rows: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    right = 2 * generator.normal(size=(rows, 4)) + [1.0, 0.0, -1.0, -2.0]
    return 3 * right, (right + generator.gumbel(size=right.shape)).argmax(axis=1)


@every_calibration
def test_probabilities_are_float64_and_sum_to_one(calibration: Calibration) -> None:
    logits, labels = sample()
    log_p = calibration.fit(logits, labels).log_probabilities(logits.astype(np.float32))
    assert log_p.dtype == np.float64
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1, rtol=1e-12)


@every_calibration
def test_the_order_of_the_rows_does_not_matter(calibration: Calibration) -> None:
    logits, labels = sample()
    shuffled = np.random.default_rng(1).permutation(len(labels))
    first, second = calibration.fit(logits, labels), calibration.fit(logits[shuffled], labels[shuffled])
    np.testing.assert_allclose(first.scale, second.scale, rtol=1e-4)
    np.testing.assert_allclose(first.shift, second.shift, atol=1e-4)


@every_calibration
@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6, 1e30])
def test_huge_and_tiny_logits_stay_finite(calibration: Calibration, unit: float) -> None:
    logits, labels = sample()
    scaling = calibration.fit(unit * logits, labels)
    assert np.isfinite([*scaling.scale, *scaling.shift]).all()
    assert np.isfinite(scaling.log_probabilities(unit * logits)).all()


@every_calibration
@pytest.mark.parametrize("rows", [2, 3])
def test_two_rows_are_enough_to_get_something(calibration: Calibration, rows: int) -> None:
    scaling = calibration.fit(np.eye(3)[:rows], np.array([0, 2, 1])[:rows])
    assert np.isfinite(scaling.log_probabilities(np.eye(3))).all()


@every_calibration
@pytest.mark.parametrize("margin", [0.1, 1.0, 10.0])
def test_rows_that_are_all_right_make_no_other_row_certain(calibration: Calibration, margin: float) -> None:
    logits, _ = sample(40)
    labels = logits.argmax(axis=1)
    scaling = calibration.fit(logits + margin * np.eye(4)[labels], labels)
    assert np.exp(scaling.log_probabilities(np.array([[1.0, 0.0, 0.0, 0.0]]))).max() < 0.95


@pytest.mark.parametrize("calibration", LEARNT)
def test_probabilities_become_more_likely(calibration: Calibration) -> None:
    logits, labels = sample(2000)
    fresh, truth = sample(2000, seed=1)
    rows = np.arange(2000)
    before = Scaling.identity(4).log_probabilities(fresh)[rows, truth].mean()
    assert calibration.fit(logits, labels).log_probabilities(fresh)[rows, truth].mean() > before + 0.1


@every_calibration
def test_a_scaling_survives_json_to_the_last_bit(calibration: Calibration) -> None:
    scaling = calibration.fit(*sample())
    assert Scaling.from_dict(json.loads(json.dumps(scaling.to_dict()))) == scaling


@pytest.mark.parametrize(
    "content", [{}, {"scale": [1.0]}, {"scale": ["x"], "shift": [0]}, {"scale": [1], "shift": [float("nan")]}]
)
def test_what_is_no_scaling_is_refused(content: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError)):
        Scaling.from_dict(content)


def test_no_rows_have_no_probabilities() -> None:
    assert Scaling.identity(3).log_probabilities(np.empty((0, 3), dtype=np.float32)).shape == (0, 3)


def test_they_print_their_settings() -> None:
    assert repr(VectorScaling(penalty=2.0)) == "VectorScaling(penalty=2.0, standard_errors=1.0)"
