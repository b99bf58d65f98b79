"""Figures of a run, drawn without a display."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from polarity.tasks import Task


def confusion_figure(task: Task, confusion: np.ndarray, title: str) -> Figure:
    """Confusion matrix: counts, coloured by the share of each true class.

    :param confusion: int ``[classes, classes]``, rows are labels, columns predictions.
    """
    size = 1.6 + 0.8 * len(task.classes)
    figure = Figure(figsize=(size + 0.8, size), layout="constrained")
    axes = figure.subplots()
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    places = range(len(task.classes))
    axes.set(xticks=places, yticks=places, xlabel="predicted", ylabel="label", title=title)
    axes.set_xticklabels(task.classes, rotation=30, ha="right")
    axes.set_yticklabels(task.classes)
    for row in places:
        for column in places:
            colour = "white" if share[row, column] > 0.5 else "black"
            text = f"{confusion[row, column]}\n{share[row, column]:.0%}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    return figure


def learning_curves_figure(tasks: Sequence[Task], history: Sequence[Mapping[str, Any]]) -> Figure:
    """F1 of each class and macro-F1 of each task over the epochs."""
    figure = Figure(figsize=(5 * len(tasks), 3.6), layout="constrained")
    epochs = [row["epoch"] for row in history]
    for axes, task in zip(np.atleast_1d(figure.subplots(1, len(tasks), sharey=True)), tasks, strict=True):
        for name in task.classes:
            axes.plot(epochs, [row[f"val/{task.name}/f1/{name}"] for row in history], marker=".", label=name)
        macro = [row[f"val/{task.name}/macro_f1"] for row in history]
        axes.plot(epochs, macro, color="black", linewidth=2, marker=".", label="macro-F1")
        axes.set(title=task.name, xlabel="epoch", ylabel="validation F1", ylim=(0, 1))
        axes.legend(fontsize=8)
        axes.grid(alpha=0.3)
    return figure


def exposure_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Rows of each class in the split, expected per epoch, and shown on average.

    :param rows: lines of the exposure table over all epochs.
    """
    classes = [row for row in rows if row["kind"] == "class"]
    names = list(dict.fromkeys(row["name"] for row in classes))
    figure = Figure(figsize=(7, 1.2 + 0.5 * len(names)), layout="constrained")
    axes = figure.subplots()
    for offset, what in zip((-0.27, 0.0, 0.27), ("natural", "expected", "realised"), strict=True):
        means = [np.mean([row[what] for row in classes if row["name"] == name]) for name in names]
        axes.barh(np.arange(len(names)) + offset, means, height=0.25, label=what)
    axes.set(yticks=range(len(names)), xlabel="rows per epoch", title="exposure")
    axes.set_yticklabels(names)
    axes.invert_yaxis()
    axes.legend(fontsize=8)
    return figure


def reliability_figure(probabilities: np.ndarray, labels: np.ndarray, title: str, bins: int = 10) -> Figure:
    """Accuracy against confidence of the predicted class, in bins of equal width (Guo et al. 2017, arXiv 1706.04599).

    :param probabilities: ``[rows, classes]`` of the labelled rows.
    :param labels: class indices ``[rows]``.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    figure = Figure(figsize=(4, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
    used = [number for number in range(bins) if (which == number).any()]
    x = [confidence[which == number].mean() for number in used]
    y = [correct[which == number].mean() for number in used]
    axes.plot(x, y, marker="o")
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1), title=title)
    return figure
