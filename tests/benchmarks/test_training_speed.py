"""What the speed comparison makes of its turns."""

import json

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from benchmarks.training_speed import RESULTS, faster, read_arguments, summary
from benchmarks.turns import Turn


def test_summary_pools_turns() -> None:
    turns = {"polarity": [Turn(90, 3.0), Turn(10, 2.0)], "dynamic": [Turn(10, 1.0), Turn(10, 3.0)]}
    own, peer = summary(turns)
    assert (own["polarity_is_faster_by"], own["interval_95"]) == (1.0, [1.0, 1.0])
    assert peer["samples_per_second"] == 5.0
    assert peer["polarity_is_faster_by"] == 4.0
    ratios = [3.0, 1.5]  # of the two rounds
    fitted = ttest_1samp(np.log(ratios), 0).confidence_interval(0.95)
    assert peer["interval_95"] == pytest.approx(np.exp([fitted.low, fitted.high]), abs=0.005)
    _, single = summary({name: taken[:1] for name, taken in turns.items()})
    assert faster(single) == "3.00 x (one round)"


def test_only_data_may_be_chosen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["training_speed", "data=csv", "loss.gamma=0"])
    with pytest.raises(SystemExit):
        read_arguments()
    assert "loss.gamma=0: only data may be chosen" in capsys.readouterr().err


def test_the_readme_has_the_numbers_of_the_record() -> None:
    sides = json.loads((RESULTS / "training_speed.json").read_text("utf-8"))["sides"]
    readme = (RESULTS.parents[1] / "README.md").read_text("utf-8")
    assert len(sides) == 5
    for side in sides[1:]:
        assert f"| {side['samples_per_second']:.1f} | {faster(side)} |" in readme
    for name, end in (("training_speed_bf16", ";"), ("training_speed_amx_bf16", ".")):
        halves = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))["sides"]
        ratios = [faster(side).partition(" (")[0] for side in halves[2:]]
        first = f"{float(ratios[0].split()[0]):.1f} x"
        assert f"{first}, {ratios[1]} and {ratios[2]}{end}" in " ".join(readme.split())
