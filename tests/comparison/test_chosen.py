"""The best of a sweep is shown beside the linear baseline."""

import shutil
from pathlib import Path

import pytest

from polarity.comparison.chosen import best_of_runs
from polarity.run import RunDirectory
from tests.comparison.made import a_run, noisy, some_labels


@pytest.mark.parametrize(("right", "where"), [(0.9, "ABOVE"), (0.3, "below")])
def test_a_recommendation_below_the_linear_baseline_says_so(right: float, where: str, tmp_path: Path) -> None:
    labels = some_labels(300)
    runs = [
        a_run(tmp_path / name, labels, noisy(labels, share, number), loss={"gamma": share})
        for number, (name, share) in enumerate({"a": 0.6, "b": 0.5}.items())
    ]
    assert best_of_runs(runs)[0].baseline is None
    assert "linear baseline" not in " ".join(best_of_runs(runs)[0].sentences)
    other = a_run(tmp_path / "other", labels, noisy(labels, right, 7))
    place = RunDirectory(runs[0]).baseline("linear", "val")
    place.parent.mkdir(parents=True)
    shutil.copy2(RunDirectory(other).predictions("val"), place)
    best = best_of_runs(runs)[0]
    assert best.baseline is not None
    apart = 100 * abs(best.shortlist.score - best.baseline)
    assert best.sentences[-1].startswith(f"linear baseline: {best.baseline:.4f}, {apart:.1f} points {where} what is")
    assert best.sentences[-1].endswith(
        f"; python -m polarity.compare {best.recommended[0]} tells whether that is chance"
    )
