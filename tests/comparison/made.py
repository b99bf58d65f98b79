"""Folders of predictions made by hand, and folders that look like those of runs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from polarity.evaluation.predictions import Predictions, TaskPredictions, write_predictions
from polarity.files import checksum
from polarity.tasks import Task

Columns = Mapping[str, tuple[Sequence[object], Sequence[object]]]


def by_hand(
    folder: Path,
    tasks: Columns,
    *,
    ids: Sequence[str] | None = None,
    split: str = "val",
    posts: Sequence[object] | None = None,
    **more: Any,
) -> Path:
    """A folder with nothing but ``predictions/SPLIT.parquet``.

    :param tasks: labels and decisions by task.
    :param posts: the column ``@post``.
    :param more: further columns.
    """
    rows = len(next(iter(tasks.values()))[0])
    columns: dict[str, Any] = {"id": list(ids or (f"row-{number}" for number in range(rows)))}
    for name, (labels, decided) in tasks.items():
        columns |= {f"{name}.label": list(labels), f"{name}.pred": list(decided)}
    if posts is not None:
        more["@post"] = list(posts)
    path = folder / "predictions" / f"{split}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns | more), path)
    return folder


def a_run(
    folder: Path,
    labels: np.ndarray,
    decided: np.ndarray,
    *,
    overrides: Sequence[str] = (),
    split: str = "val",
    classes: tuple[str, ...] = ("bad", "flat", "good"),
    fingerprint: str = "f00",
    posts: int = 40,
    **config: Any,
) -> Path:
    """A folder with what compare reads of a finished run of one task, ``tone``."""
    folder.mkdir(parents=True)
    logits = np.eye(len(classes), dtype=np.float32)[decided]
    task = TaskPredictions(Task("tone", classes, "tone"), labels, decided, logits, logits.astype(float))
    names = [f"row-{number}" for number in range(len(labels))]
    predictions = Predictions(names, (task,), {"post": [f"post {number % posts}" for number in range(len(labels))]})
    path = folder / "predictions" / f"{split}.parquet"
    write_predictions(path, predictions)
    files = {
        "status.json": json.dumps({"state": "finished"}),
        "config.yaml": yaml.safe_dump({"seed": 0, "loss": {"gamma": 2.0}, "cache_dir": None, **config}),
        "overrides.yaml": yaml.safe_dump(list(overrides)),
        "environment.json": json.dumps({"data": {split: {"fingerprint": fingerprint}}}),
        "metrics.json": json.dumps({"version": 2, "sha256": {f"predictions/{split}.parquet": checksum(path)}}),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def noisy(labels: np.ndarray, right: float, seed: int, *, classes: int = 3) -> np.ndarray:
    """Decisions of which this share is right, and the others are drawn."""
    generator = np.random.default_rng(seed)
    return np.where(generator.random(len(labels)) < right, labels, generator.integers(0, classes, len(labels)))


def some_labels(rows: int = 1200, seed: int = 0) -> np.ndarray:
    """Imbalanced labels of three classes."""
    return np.random.default_rng(seed).choice(3, size=rows, p=[0.6, 0.3, 0.1])
