"""The predictions file keeps its promised columns, and every score can be recomputed from it."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import f1_score

from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.evaluation.metrics import score
from polarity.evaluation.predictions import Predictions, read_predictions, write_predictions
from polarity.tasks import IGNORE_INDEX, Task

TASKS = (Task("tone", ("calm", "no", "yes/maybe"), "tone"), Task("topic", ("1", "none"), "topic"))


def test_scores_can_be_recomputed_from_the_file(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    labels = np.stack([generator.integers(0, 3, 50), generator.integers(0, 2, 50)], axis=1)
    labels[:7, 0] = IGNORE_INDEX
    logits = [generator.normal(size=(50, 3)).astype(np.float32), generator.normal(size=(50, 2)).astype(np.float32)]
    rows = Rows([f"row-{n}" for n in range(50)], ["text"] * 50, None, labels)
    write_predictions(tmp_path / "val.parquet", Predictions.undecided(TASKS, rows, logits))

    table = pq.read_table(tmp_path / "val.parquet")
    assert table.schema.metadata[b"polarity.predictions"] == b"3"
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


def made_by_hand(path: Path, **columns: list[object]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    labels = np.stack([generator.integers(0, 3, 9), np.full(9, IGNORE_INDEX)], axis=1)
    logits = [generator.normal(size=(9, k)).astype(np.float32) for k in (3, 2)]
    rows = Rows([f"row-{n}" for n in range(9)], ["text"] * 9, None, labels, {"source": ["a", "b", ""] * 3})
    predictions = Predictions.undecided(TASKS, rows, logits, np.arange(9))
    predictions = replace(
        predictions, tasks=(replace(predictions.tasks[0], crossfit=labels[:, 0]), predictions.tasks[1])
    )
    write_predictions(tmp_path / "val.parquet", predictions)
    again = read_predictions(tmp_path / "val.parquet")
    assert (again.ids, again.metadata) == (predictions.ids, predictions.metadata)
    assert again.tokens is not None
    assert again.tokens.tolist() == list(range(9))
    for one, other in zip(again.tasks, predictions.tasks, strict=True):
        assert (one.task.name, one.task.classes) == (other.task.name, other.task.classes)
        for name in ("labels", "predicted", "logits", "probabilities", "crossfit"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    part = again.select(again.tokens > 6)
    assert (part.ids, part.metadata["source"]) == (["row-7", "row-8"], ["b", ""])
    assert part.tasks[0].honest.tolist() == labels[7:, 0].tolist()


@pytest.mark.parametrize("told", [True, False], ids=["of today", "of an older version"])
def test_no_column_is_taken_for_a_task_that_is_none(told: bool, tmp_path: Path) -> None:
    """Columns of the data, and classes, that are called like the columns of a task."""
    tasks = (Task("tone", ("label", "pred", "other"), "tone"), TASKS[1])
    values = {"old.label": ["no"] * 4, "old.pred": ["yes"] * 4, "a.crossfit": [""] * 4}
    rows = Rows([*"abcd"], ["text"] * 4, None, np.array([[0, 0], [1, 1], [2, 0], [0, 1]]), metadata=values)
    logits = [np.eye(4, 3, dtype=np.float32), np.eye(4, 2, dtype=np.float32)]
    path = tmp_path / "val.parquet"
    write_predictions(path, Predictions.undecided(tasks, rows, logits))
    if not told:
        table = pq.read_table(path)
        pq.write_table(table.replace_schema_metadata({b"polarity.predictions": b"3"}), path)
    found = read_predictions(path)
    assert [(item.task.name, item.task.classes) for item in found.tasks] == [(t.name, t.classes) for t in tasks]
    assert found.metadata == values
    assert np.array_equal(found.labels, rows.labels)


def test_the_column_of_groups_goes_with_the_file(tmp_path: Path) -> None:
    labels = np.zeros((4, 1), dtype=np.int64)
    rows = Rows(list("abcd"), ["text"] * 4, None, labels, {"post": ["x", "", "x", ""]}, "post")
    predictions = Predictions.undecided(TASKS[:1], rows, [np.zeros((4, 3), dtype=np.float32)])
    write_predictions(tmp_path / "val.parquet", predictions)
    again = read_predictions(tmp_path / "val.parquet")
    assert again.group == "post"
    assert again.clusters is not None
    one, two, three, four = again.clusters.tolist()
    assert one == three
    assert len({one, two, four}) == 3  # rows without a value are groups of their own
    assert again.select(np.array([0, 2])).clusters.tolist() == [0, 0]  # type: ignore[union-attr]
    assert rows.select([1, 2]).group == "post"


def test_a_file_of_an_older_version_has_independent_rows(tmp_path: Path) -> None:
    columns = {"id": ["1", "2"], "t.label": ["a", "b"], "t.pred": ["a", "a"], "@post": ["x", "x"]}
    table = pa.table(columns).replace_schema_metadata({"polarity.predictions": "2"})
    pq.write_table(table, tmp_path / "v.parquet")
    assert read_predictions(tmp_path / "v.parquet").clusters is None
    pq.write_table(table.replace_schema_metadata({"polarity.group": "author"}), tmp_path / "v.parquet")
    with pytest.raises(UserError, match="lacks the column '@author'"):
        read_predictions(tmp_path / "v.parquet")


def test_a_file_made_by_hand_is_read(tmp_path: Path) -> None:
    path = made_by_hand(
        tmp_path / "v.parquet", id=[1, 2, 3], **{"t.label": ["b", None, "a"], "t.pred": ["a", "c", "a"]}
    )
    predictions = read_predictions(path)
    assert predictions.tasks[0].task.classes == ("a", "b", "c")
    assert predictions.tasks[0].argmax.tolist() == [0, 2, 0]
    assert predictions.tasks[0].labels.tolist() == [1, IGNORE_INDEX, 0]
    assert read_predictions(path, {"t": ["c", "b", "a"]}).tasks[0].predicted.tolist() == [2, 0, 2]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"t.label": ["a"], "t.pred": ["a"]}, "has no column 'id'"),
        ({"id": ["1"], "t.label": ["a"]}, "no columns TASK.label and TASK.pred"),
        ({"id": ["1", "1"], "t.label": ["a", "a"], "t.pred": ["a", "a"]}, "ids are not unique"),
        ({"id": ["1"], "t.label": ["a"], "t.pred": [None]}, "row 1: t.pred is None"),
        ({"id": ["1"], "t.label": ["a"], "t.pred": ["b"], "t.logit.a": [1.0]}, "t.pred is 'b', which is none of"),
        ({"id": ["1"], "t.label": ["a"], "t.pred": ["a"], "t.logit.a": [np.nan], "t.logit.b": [0.0]}, "not finite"),
        (
            {"id": ["1"], "t.label": ["a"], "t.pred": ["a"], "t.logit.a": [1.0], "t.logit.b": [0.0], "t.prob.a": [1.0]},
            "lacks the column 't.prob.b'",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, columns: dict[str, list[object]], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        read_predictions(made_by_hand(tmp_path / "v.parquet", **columns))


def test_missing_and_cut_off_files_are_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_predictions(tmp_path / "v.parquet")
    path = made_by_hand(tmp_path / "v.parquet", id=["1"], **{"t.label": ["a"], "t.pred": ["a"]})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="damaged or cut off"):
        read_predictions(path)
