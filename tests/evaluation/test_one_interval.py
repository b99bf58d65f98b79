"""A score has one interval wherever it is told, and every place takes the same rows as wholes."""

from pathlib import Path

import pytest

from polarity.analysis import analyse
from polarity.baselines import BASELINES
from polarity.baselines.scores import score_baselines
from polarity.evaluation.predictions import read_predictions
from polarity.exporting.card import Scored
from polarity.reports.html.run.folder import read_run
from polarity.run import RunDirectory
from polarity.runs.rebuild import rebuild
from polarity.verbs.compare import AUTO, compare
from tests.evaluation.test_evaluate import evaluated
from tests.running import train, write_corpus
from tests.test_compare_verb import settings

FEW = ("trainer.max_epochs=1", "reporting.resamples=200")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(tmp_path_factory.mktemp("one"), "data.group=source", *FEW)


@pytest.mark.slow
def test_every_file_of_predictions_names_the_column(run: RunDirectory) -> None:
    for split in ("val", "test"):
        paths = [run.predictions(split), *(run.baseline(name, split) for name in BASELINES)]
        assert [read_predictions(path).group for path in paths] == ["source"] * (1 + len(BASELINES))


@pytest.mark.slow
def test_report_card_and_comparison_tell_the_same_interval(run: RunDirectory) -> None:
    content = read_run(run, texts=False, resamples=200)
    own = {split.name: split for split in content.splits}
    rebuilt = rebuild(run.path)
    for name in ("val", "test"):
        analysis = analyse(read_predictions(run.predictions(name)), resamples=200)
        assert own[name].analysis.headline == analysis.headline
        assert any("2 values of source as wholes" in note for note in analysis.notes)
        card = Scored.of(rebuilt, name)
        best = analysis.headline.overall
        assert card.result.overall == best
        shown = {item.name: item.result.overall for item in own[name].baselines}
        stored = {item: {name: read_predictions(run.baseline(item, name))} for item in BASELINES}
        for item, (_, intervals) in score_baselines(stored, resamples=200)[name].items():
            assert intervals.overall is not None
            assert (shown[item].low, shown[item].high) == (intervals.overall.low, intervals.overall.high)
        (comparison,) = compare(settings(run.path, cluster=AUTO, split=name, resamples=200))
        assert comparison.setup.cluster == "source"
        (system,) = (item for item in comparison.systems if item.kind == "run")
        assert (system.interval.low, system.interval.high) == pytest.approx((best.low, best.high), abs=1e-9)


@pytest.mark.slow
def test_new_rows_are_grouped_as_the_runs_own(run: RunDirectory, tmp_path: Path) -> None:
    path = write_corpus(tmp_path / "more.csv", rows=40, seed=9)
    assert read_predictions(evaluated(run, f"data.path={path}") / "predictions.parquet").group == "source"
    text = path.read_text(encoding="utf-8").replace(",source", ",origin")
    path.write_text(text, encoding="utf-8")
    assert read_predictions(evaluated(run, f"data.path={path}") / "predictions.parquet").group is None
    folder = evaluated(run, f"data.path={path}", "data.group=origin")
    assert read_predictions(folder / "predictions.parquet").group == "origin"
