"""The predictions file keeps its promised columns, and every score can be recomputed from it."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import f1_score

from polarity.data.rows import Rows
from polarity.evaluation.metrics import score
from polarity.evaluation.predictions import predictions_table, write_predictions
from polarity.tasks import IGNORE_INDEX, Task

TASKS = (Task("tone", ("calm", "no", "yes/maybe"), "tone"), Task("topic", ("1", "none"), "topic"))


def test_scores_can_be_recomputed_from_the_file(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    labels = np.stack([generator.integers(0, 3, 50), generator.integers(0, 2, 50)], axis=1)
    labels[:7, 0] = IGNORE_INDEX
    logits = [generator.normal(size=(50, 3)).astype(np.float32), generator.normal(size=(50, 2)).astype(np.float32)]
    rows = Rows([f"row-{n}" for n in range(50)], ["text"] * 50, None, labels)
    write_predictions(tmp_path / "val.parquet", predictions_table(TASKS, rows, logits))

    table = pq.read_table(tmp_path / "val.parquet")
    assert table.schema.metadata[b"polarity.predictions"] == b"1"
    assert table["id"].to_pylist() == rows.ids
    scores = score(TASKS, labels, [values.argmax(axis=1) for values in logits])
    for number, task in enumerate(TASKS):
        label, predicted = table[f"{task.name}.label"].to_pylist(), table[f"{task.name}.pred"].to_pylist()
        pairs = [(a, b) for a, b in zip(label, predicted, strict=True) if a is not None]
        macro = f1_score(*zip(*pairs, strict=True), labels=list(task.classes), average="macro", zero_division=0)
        assert macro == pytest.approx(scores.tasks[task.name].macro_f1)
        probabilities = np.stack([table[f"{task.name}.prob.{name}"].to_numpy() for name in task.classes], axis=1)
        stored = np.stack([table[f"{task.name}.logit.{name}"].to_numpy() for name in task.classes], axis=1)
        assert np.allclose(probabilities.sum(axis=1), 1)
        assert (stored == logits[number]).all()
        assert [task.classes[index] for index in probabilities.argmax(axis=1)] == predicted
    assert table["tone.label"].null_count == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == ["val.parquet"]
