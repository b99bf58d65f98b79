"""The CSV files and the terminal say what the analysis says."""

import csv
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from scipy.special import softmax

from polarity.analysis import Analysis, analyse
from polarity.analysis.console import analysis_tables
from polarity.analysis.details import write_details, write_mistakes
from polarity.data.rows import Rows
from polarity.evaluation.predictions import Predictions, TaskPredictions
from polarity.tasks import Task

ROWS = 120


def made(seed: int) -> Predictions:
    draw = np.random.default_rng(seed)
    items = []
    for task in (Task("tone", ("no", "yes", "[b]"), "tone"), Task("topic", ("war", "food"), "topic")):
        logits = draw.standard_normal((ROWS, len(task.classes)))
        labels, rule = draw.integers(-1, len(task.classes), ROWS), draw.integers(0, len(task.classes), ROWS)
        labels[labels < 0] = -100
        items.append(TaskPredictions(task, labels, rule, logits, softmax(logits, axis=1), logits.argmax(axis=1)))
    metadata = {"source": draw.choice(["a, b", "c\nd"], ROWS).tolist()}
    return Predictions([f"id {number}" for number in range(ROWS)], tuple(items), metadata, draw.integers(2, 9, ROWS))


@pytest.fixture(scope="module")
def analyses() -> dict[str, Analysis]:
    return {split: analyse(made(seed), resamples=30, shown=7) for seed, split in enumerate(("val", "test"))}


@pytest.fixture(scope="module")
def folder(analyses: dict[str, Analysis], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("details")
    write_details(folder, "mini", analyses)
    return folder


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_file_for_each_task_and_each_ordered_pair(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "calibration.csv",
        "mini_tone_confusion.csv",
        "mini_tone_given_topic.csv",
        "mini_tone_per_class.csv",
        "mini_topic_confusion.csv",
        "mini_topic_given_tone.csv",
        "mini_topic_per_class.csv",
        "scores.csv",
        "slices.csv",
    ]


def test_classes(analyses: dict[str, Analysis], folder: Path) -> None:
    lines = iter(read(folder / "mini_tone_per_class.csv"))
    for split, analysis in analyses.items():
        for result in analysis.results:
            for one in result.task("tone").classes:
                line = next(lines)
                assert (line["split"], line["decision"], line["class"]) == (split, result.decision, one.name)
                for name in ("precision", "recall", "f1"):
                    estimate = getattr(one, name)
                    shown = [float(line[f"{name}{end}"]) for end in ("", "_low", "_high")]
                    assert shown == pytest.approx([estimate.value, estimate.low, estimate.high], abs=1e-6)
                assert (int(line["support"]), int(line["predicted"])) == (one.support, one.predicted)
    assert next(lines, None) is None


def test_confusion(analyses: dict[str, Analysis], folder: Path) -> None:
    lines = [line for line in read(folder / "mini_topic_confusion.csv")
             if (line["split"], line["decision"]) == ("test", "crossfit")]  # fmt: skip
    counts = [[int(line[name]) for name in ("war", "food")] for line in lines]
    assert counts == [list(row) for row in analyses["test"].headline.task("topic").confusion]


def test_task_given_task(analyses: dict[str, Analysis], folder: Path) -> None:
    lines = [line for line in read(folder / "mini_tone_given_topic.csv") if line["split"] == "val"]
    parts = analyses["val"].slicing("task", "topic").slices
    for line, part in zip(lines, parts, strict=True):
        (score,) = part.scores
        assert line["topic"] == part.value
        assert int(line["rows"]) == score.rows
        assert float(line["macro_f1"]) == pytest.approx(score.macro_f1.value, abs=1e-6)
        assert float(line["macro_f1_low"]) == pytest.approx(score.macro_f1.low, abs=1e-6)
        assert [float(line[f"f1 {name}"]) for name in ("no", "yes", "[b]")] == pytest.approx(score.f1, abs=1e-6)


def test_other_slices_and_calibration(analyses: dict[str, Analysis], folder: Path) -> None:
    lines = read(folder / "slices.csv")
    assert {(line["kind"], line["by"]) for line in lines} == {("metadata", "source"), ("length", "tokens")}
    assert {line["value"] for line in lines if line["by"] == "source"} == {"a, b", "c\nd"}
    expected = sum(
        2 * len(slicing.slices) for one in analyses.values() for slicing in one.slicings if slicing.kind != "task"
    )
    assert len(lines) == expected
    (line,) = (line for line in read(folder / "calibration.csv")
               if (line["split"], line["task"], line["stage"]) == ("test", "topic", "after"))  # fmt: skip
    numbers = analyses["test"].calibration[1].after
    assert float(line["ece"]) == pytest.approx(numbers.ece, abs=1e-6)
    assert float(line["nll"]) == pytest.approx(numbers.nll, abs=1e-6)


@pytest.mark.parametrize("private", [False, True])
def test_mistakes_have_texts_unless_these_are_private(
    analyses: dict[str, Analysis], tmp_path: Path, private: bool
) -> None:
    mistakes = analyses["val"].mistakes
    texts = [f"text, {number}" for number in range(ROWS)]
    rows = Rows([f"id {number}" for number in range(ROWS)], texts, ["above"] * ROWS, np.zeros((ROWS, 2), dtype=int))
    write_mistakes(tmp_path / "mistakes.csv", mistakes, None if private else rows)
    lines = read(tmp_path / "mistakes.csv")
    assert [line["id"] for line in lines] == [one.id for one in mistakes]
    assert [float(line["confidence"]) for line in lines] == pytest.approx([m.confidence for m in mistakes], abs=1e-6)
    if private:
        assert not {"text", "context"} & set(lines[0])
    else:
        assert [line["text"] for line in lines] == [texts[one.row] for one in mistakes]
        assert lines[0]["context"] == "above"


def test_the_terminal_shows_every_class_and_slice(analyses: dict[str, Analysis]) -> None:
    console = Console(width=200, record=True, file=StringIO())
    for table in analysis_tables(analyses["val"], "val"):
        console.print(table, markup=False)
    text = console.export_text()
    headline = analyses["val"].headline
    assert f"{headline.overall.value:.4f} [{headline.overall.low:.4f}, {headline.overall.high:.4f}]" in text
    for words in ("[b]", "given tone", "given topic", "by source", "by length in tokens", "confusion, topic", "Brier"):
        assert words in text


def test_tasks_that_no_row_shares_have_no_empty_tables() -> None:
    result = made(0)
    tone, topic = result.tasks
    apart = replace(topic, labels=np.where(tone.known, -100, topic.labels))
    analysis = analyse(replace(result, tasks=(tone, apart)), resamples=0)
    assert "no slices of topic given tone, or the reverse: no row has both labels" in analysis.notes
    assert not [table.title for table in analysis_tables(analysis, "val") if str(table.title).startswith("given")]
