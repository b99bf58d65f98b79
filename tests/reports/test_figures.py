"""Every figure can be drawn, and names what it shows."""

from io import StringIO
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from polarity.reports.figures import confusion_figure, exposure_figure, learning_curves_figure, reliability_figure
from polarity.tasks import Task

TASKS = (Task("tone", ("none", "yes", "no"), "tone"), Task("topic", ("1", "2"), "topic"))


@pytest.fixture(autouse=True)
def _text_stays_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("matplotlib").rcParams, "svg.fonttype", "none")


def drawn(figure: Figure) -> str:
    buffer = StringIO()
    figure.savefig(buffer, format="svg")
    return buffer.getvalue()


def names(task: Task) -> list[str]:
    return [f">{name}<" for name in task.classes]


def test_a_confusion_matrix_shows_counts_and_shares() -> None:
    counts = np.array([[3, 1, 0], [0, 0, 0], [7, 0, 93]])  # a class without rows has no shares
    picture = drawn(confusion_figure(TASKS[0], counts, "tone, test"))
    for text in [*names(TASKS[0]), "tone, test", ">75%<", ">93<", ">93%<"]:
        assert text in picture


@pytest.mark.parametrize("tasks", [TASKS, TASKS[:1]])
@pytest.mark.parametrize("epochs", [1, 3])
def test_learning_curves_have_a_panel_for_each_task(tasks: tuple[Task, ...], epochs: int) -> None:
    row: dict[str, Any] = {}
    for task in tasks:
        row |= {f"val/{task.name}/f1/{name}": 0.5 for name in task.classes} | {f"val/{task.name}/macro_f1": 0.5}
    picture = drawn(learning_curves_figure(tasks, [{"epoch": epoch, **row} for epoch in range(epochs)]))
    for task in tasks:
        assert f">{task.name}<" in picture


def test_exposure_has_a_bar_for_each_class() -> None:
    rows = [
        {"kind": "class", "name": f"tone={name}", "natural": 5, "expected": 4.5, "realised": 6, "epoch": epoch}
        for name in TASKS[0].classes
        for epoch in range(2)
    ]
    picture = drawn(exposure_figure(rows))
    for name in TASKS[0].classes:
        assert f"tone={name}" in picture


def test_a_reliability_diagram_can_be_drawn_for_few_and_extreme_probabilities() -> None:
    probabilities = np.array([[1.0, 0.0, 0.0], [0.0, 0.4, 0.6]])
    assert "tone, val" in drawn(reliability_figure(probabilities, np.array([0, 1]), "tone, val"))
