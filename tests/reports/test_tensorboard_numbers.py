"""TensorBoard shows the numbers of the analysis, read back from its event files."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.util.tensor_util import make_ndarray
from torch.utils.tensorboard import SummaryWriter

from polarity.analysis import Analysis, analyse
from polarity.evaluation.predictions import Predictions, TaskPredictions
from polarity.reports.tensorboard import log_analysis, scalars
from polarity.tasks import IGNORE_INDEX, Task

ROWS, STEP = 150, 40
CLASSES = {"tone": ("yes", "no", "C++ (new)", "1", "12"), "topic": ("war", "food")}


def made(seed: int, *, labelled: bool = True) -> Predictions:
    draw = np.random.default_rng(seed)
    items = []
    for name, classes in CLASSES.items():
        logits = draw.standard_normal((ROWS, len(classes)))
        labels = draw.integers(0, len(classes), ROWS)
        if name == "topic" and not labelled:
            labels[:] = IGNORE_INDEX
        items.append(
            TaskPredictions(
                Task(name, classes, name), labels, (logits + 0.3).argmax(axis=1), logits, softmax(logits / 2, axis=1)
            )
        )
    return Predictions([str(number) for number in range(ROWS)], tuple(items), {}, draw.integers(2, 9, ROWS))


@pytest.fixture(scope="module")
def analyses() -> dict[str, Analysis]:
    return {"val": analyse(made(0), resamples=30), "test": analyse(made(1, labelled=False), resamples=30)}


@pytest.fixture(scope="module")
def events(analyses: dict[str, Analysis], tmp_path_factory: pytest.TempPathFactory) -> EventAccumulator:
    folder: Path = tmp_path_factory.mktemp("events")
    with SummaryWriter(str(folder)) as writer:
        for split, analysis in analyses.items():
            log_analysis(writer, analysis, STEP, split)
    return EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0}).Reload()


def value(events: EventAccumulator, tag: str) -> float:
    (item,) = events.Scalars(f"report/{tag}")
    assert item.step == STEP
    return item.value


def test_every_score_is_there_with_its_interval(analyses: dict[str, Analysis], events: EventAccumulator) -> None:
    for split, analysis in analyses.items():
        for result in analysis.results:
            start = f"{split}/{result.decision}"
            pairs = [(f"{start}/macro_f1", result.overall)]
            for task in result.tasks:
                pairs += [(f"{start}/{task.task}/{name}", getattr(task, name)) for name in ("macro_f1", "accuracy")]
                if task.rows:
                    pairs += [
                        (f"{start}/{task.task}/{name}/{one.name}", getattr(one, name))
                        for one in task.classes
                        for name in ("precision", "recall", "f1")
                    ]
            for tag, estimate in pairs:
                if estimate.value is None:
                    assert f"report/{tag}" not in events.Tags()["scalars"]
                else:
                    shown = [value(events, f"{tag}{end}") for end in ("", "/low", "/high")]
                    assert shown == pytest.approx([estimate.value, estimate.low, estimate.high], rel=1e-6)


def test_calibration_is_there(analyses: dict[str, Analysis], events: EventAccumulator) -> None:
    for task in analyses["val"].calibration:
        for stage in ("before", "after"):
            for name in ("ece", "brier", "nll"):
                shown = value(events, f"val/calibration/{task.task}/{name}/{stage}")
                assert shown == pytest.approx(getattr(getattr(task, stage), name), rel=1e-6)


def test_nothing_else_is_logged(analyses: dict[str, Analysis], events: EventAccumulator) -> None:
    expected = {f"report/{split}/{tag}" for split, analysis in analyses.items() for tag, _ in scalars(analysis)}
    assert set(events.Tags()["scalars"]) == expected


def test_curves_hold_the_counts_at_every_threshold(analyses: dict[str, Analysis], events: EventAccumulator) -> None:
    for curve in analyses["val"].curves:
        (item,) = events.Tensors(f"report/val/precision_recall/{curve.task}/{curve.label}")
        hits, alarms, correct_rejections, misses, precision, recall = make_ndarray(item.tensor_proto)
        assert tuple(hits) == curve.hits
        assert tuple(alarms) == curve.false_alarms
        assert np.array_equal(hits + misses, np.full(101, curve.support))
        assert np.array_equal(alarms + correct_rejections, np.full(101, ROWS - curve.support))
        assert recall == pytest.approx(hits / curve.support)
        shown = hits + alarms > 0
        assert precision[shown] == pytest.approx((hits / np.maximum(hits + alarms, 1))[shown])
    assert not [tag for tag in events.Tags()["tensors"] if tag.startswith("report/test/precision_recall/topic")]


def test_the_layout_has_one_chart_of_all_classes_for_each_task(events: EventAccumulator) -> None:
    (item,) = events.Tensors("custom_scalars__config__")
    layout = Layout()
    layout.ParseFromString(make_ndarray(item.tensor_proto).item())
    charts = {category.title: {chart.title: list(chart.multiline.tag) for chart in category.chart}
              for category in layout.category}  # fmt: skip
    logged = [f"val/{task}/f1/{name}" for task, names in CLASSES.items() for name in names]
    for task, names in CLASSES.items():
        patterns = charts["F1 of each class"][task]
        collected = [[tag for tag in logged if re.match(pattern, tag)] for pattern in patterns]
        assert collected == [[f"val/{task}/f1/{name}"] for name in names], "each pattern finds its own class only"
        assert charts["losses"][task] == [rf"train/{task}/loss$", rf"val/{task}/loss$"]
    assert re.match(charts["macro-F1"]["overall and tasks"][0], "val/macro_f1")


def test_the_table_says_the_same(analyses: dict[str, Analysis], events: EventAccumulator) -> None:
    (item,) = events.Tensors("report/val/scores/text_summary")
    text = make_ndarray(item.tensor_proto).item().decode()
    overall = analyses["val"].decided.overall
    assert f"| decided | {overall.value:.4f} ({overall.low:.4f} to {overall.high:.4f}) |" in text
