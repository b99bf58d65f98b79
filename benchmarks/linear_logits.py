"""Logits of a linear model on the shared sets: rows that it was not trained on, in seconds instead of hours."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from polarity.evaluation.predictions import Predictions, TaskPredictions
from polarity.tasks import Task

SENTIMENT = ("negative", "neutral", "positive")
SETS: dict[str, dict[str, tuple[str, ...]]] = {
    "newsframe": {"sentiment": SENTIMENT, "polarization": ("non_polarized", "objective", "partisan")},
    "vader_ground_truth": {"sentiment": SENTIMENT, "consensus": ("agreed", "mixed", "contested")},
    "xlmt": {"sentiment": SENTIMENT},
}
"""Tasks of each set, with their classes."""


@dataclass(frozen=True)
class Case:
    """The rows of validation and test of one set and task, in this order, with the logits of one model.

    :param weights: "balanced" class weights of the model, or "plain".
    :param validation: how many of the rows are validation.
    """

    data: str
    task: Task
    weights: str
    logits: np.ndarray
    labels: np.ndarray
    validation: int

    def predictions(self, chosen: np.ndarray) -> Predictions:
        """The rows with these numbers."""
        logits = self.logits[chosen]
        task_predictions = TaskPredictions(self.task, self.labels[chosen], logits.argmax(axis=1), logits)
        return Predictions([f"row-{number}" for number in chosen.tolist()], (task_predictions,))


def cases(folder: Path, cache: Path | None) -> list[Case]:
    """Every set, task and kind of model.

    :param cache: where logits are kept from one time to the next; None for nowhere.
    """
    return [
        _case(folder / data, Task(task, classes, task), weights, cache)
        for data, tasks in SETS.items()
        for task, classes in tasks.items()
        for weights in ("balanced", "plain")
        if data != "xlmt" or weights == "plain"  # its classes are equally frequent: both are the same model
    ]


def _case(folder: Path, task: Task, weights: str, cache: Path | None) -> Case:
    file = None if cache is None else cache / f"{folder.name}.{task.name}.{weights}.npz"
    if file is not None and file.is_file():
        kept = np.load(file)
        return Case(folder.name, task, weights, kept["z"], kept["y"].astype(np.int64), int(kept["n_val"]))
    train, val, test = (_labelled(folder / f"{split}.csv", task) for split in ("train", "val", "test"))
    logits = _fit_and_score(train, [*val, *test], weights)
    labels = np.array([label for _, label in [*val, *test]], dtype=np.int64)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, z=logits, y=labels, n_val=len(val))
    return Case(folder.name, task, weights, logits, labels, len(val))


def _labelled(path: Path, task: Task) -> list[tuple[str, int]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [(row["text"], task.classes.index(row[task.name])) for row in rows if row[task.name]]


def _fit_and_score(train: list[tuple[str, int]], rest: list[tuple[str, int]], weights: str) -> np.ndarray:
    """float32 ``[rows of the rest, classes]``."""
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True)
    texts, further = [text for text, _ in train], [text for text, _ in rest]
    known = csr_matrix(hstack([words.fit_transform(texts), characters.fit_transform(texts)]))
    new = csr_matrix(hstack([words.transform(further), characters.transform(further)]))
    model = LogisticRegression(C=1.0, class_weight=None if weights == "plain" else "balanced", max_iter=300)
    model.fit(known, [label for _, label in train])
    return np.asarray(model.decision_function(new), dtype=np.float32)
