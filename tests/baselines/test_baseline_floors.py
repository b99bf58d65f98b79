"""The linear model reaches the floors that are printed on the cards of real data sets."""

import time
from pathlib import Path

import pytest

from polarity.baselines import baselines
from polarity.calibration import TemperatureScaling
from polarity.data.leakage import Leakage
from polarity.decisions import BiasDecision
from polarity.evaluation.metrics import score
from tests.baselines.shared import shared_corpus

FLOORS = {
    "newsframe": {"sentiment": 0.605, "polarization": 0.573},
    "vader_ground_truth": {"sentiment": 0.610, "consensus": 0.474},
    "xlmt": {"sentiment": 0.550},
}
"""Test macro-F1 of the better one of the two linear models on each card."""


@pytest.mark.slow
@pytest.mark.parametrize("name", FLOORS)
def test_it_reaches_the_floor(name: str, tmp_path: Path) -> None:
    given = shared_corpus(name, Leakage(exact="allow", near="allow")).load()
    started = time.process_time()
    scored = baselines(given, tmp_path, calibration=TemperatureScaling(), decision=BiasDecision())
    assert time.process_time() - started < 120
    for baseline in ("linear", "linear+rule"):
        test = scored[baseline]["test"]
        scores = score([item.task for item in test.tasks], test.labels, [item.predicted for item in test.tasks])
        for task, floor in FLOORS[name].items():
            value = scores.tasks[task].macro_f1
            assert value is not None
            assert value >= floor
