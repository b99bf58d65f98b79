"""The predictions file of a split: what every later number is computed from."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.special import softmax

from polarity.data.rows import Rows
from polarity.tasks import IGNORE_INDEX, Task

SCHEMA_VERSION = "1"


def predictions_table(tasks: Sequence[Task], rows: Rows, logits: Sequence[np.ndarray]) -> pa.Table:
    """``id`` and for each task ``TASK.label``, ``TASK.pred``, ``TASK.logit.CLASS`` and ``TASK.prob.CLASS``.

    :param logits: float32 ``[rows, classes]``, one array per task, in the order of ``rows``.
    """
    columns: dict[str, pa.Array] = {"id": pa.array(rows.ids, pa.string())}
    for number, task in enumerate(tasks):
        labels = rows.labels[:, number]
        names = [None if label == IGNORE_INDEX else task.classes[label] for label in labels]
        columns[f"{task.name}.label"] = pa.array(names, pa.string())
        predicted = logits[number].argmax(axis=1)
        columns[f"{task.name}.pred"] = pa.array([task.classes[index] for index in predicted], pa.string())
        probabilities = softmax(logits[number].astype(np.float64), axis=1)
        for c, name in enumerate(task.classes):
            columns[f"{task.name}.logit.{name}"] = pa.array(logits[number][:, c], pa.float32())
            columns[f"{task.name}.prob.{name}"] = pa.array(probabilities[:, c], pa.float64())
    return pa.table(columns).replace_schema_metadata({"polarity.predictions": SCHEMA_VERSION})


def write_predictions(path: Path, table: pa.Table) -> None:
    """Write the table whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    pq.write_table(table, part)
    part.replace(path)
