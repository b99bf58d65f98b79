"""The predictions file of a split: what every later number is computed from."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.special import softmax

from polarity.data.rows import Rows
from polarity.errors import UserError
from polarity.files import whole_file
from polarity.tasks import IGNORE_INDEX, Task

SCHEMA_VERSION = "3"
READABLE = ("", "1", "2", SCHEMA_VERSION)
SCHEMA_KEY, GROUP_KEY, TASKS_KEY = "polarity.predictions", "polarity.group", "polarity.tasks"
METADATA_MARK, TOKENS = "@", "#tokens"
FOLD, REPEAT = "#fold", "#repeat"


@dataclass(frozen=True)
class TaskPredictions:
    """What a model said about one task.

    :param labels: int64 ``[rows]``, ``IGNORE_INDEX`` where a row has no label.
    :param predicted: int64 ``[rows]``, what the model's decision rule chose.
    :param logits: float ``[rows, classes]``, uncalibrated; None where only decisions are known.
    :param probabilities: float64 ``[rows, classes]``, calibrated; None where only decisions are known.
    :param crossfit: int64 ``[rows]``, on the split that the rule was fitted on: what a rule fitted without the row's
        fold chose, so that the rule's gain is honest. None on other splits.
    """

    task: Task
    labels: np.ndarray
    predicted: np.ndarray
    logits: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    crossfit: np.ndarray | None = None

    @property
    def argmax(self) -> np.ndarray:
        """The class with the largest logit, int64 ``[rows]``; what was decided, where there are no logits."""
        return self.predicted if self.logits is None else self.logits.argmax(axis=1)

    @property
    def honest(self) -> np.ndarray:
        """What was decided without having seen the row's label, int64 ``[rows]``."""
        return self.predicted if self.crossfit is None else self.crossfit

    @property
    def known(self) -> np.ndarray:
        """Which rows have a label, bool ``[rows]``."""
        known: np.ndarray = self.labels != IGNORE_INDEX
        return known


@dataclass(frozen=True)
class Predictions:
    """What a model said about the rows of a split.

    :param ids: one unique id a row.
    :param metadata: further columns of the data by name, for slices.
    :param tokens: int ``[rows]``, tokens of each text as the model saw it; None where it is not known.
    :param group: the metadata column whose values hold rows that belong together (a post, an author); every interval,
        test and fold takes them as wholes. None: rows are independent.
    """

    ids: list[str]
    tasks: tuple[TaskPredictions, ...]
    metadata: dict[str, list[str]] = field(default_factory=dict)
    tokens: np.ndarray | None = None
    group: str | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def labels(self) -> np.ndarray:
        """int64 ``[rows, tasks]``."""
        return np.stack([item.labels for item in self.tasks], axis=1)

    @property
    def clusters(self) -> np.ndarray | None:
        """For each row the number of its group, int64 ``[rows]``; None where rows are independent.

        A row without a value is a group of its own.
        """
        if self.group is None:
            return None
        values = self.metadata[self.group]
        names = [f"={value}" if value else f"row {number}" for number, value in enumerate(values)]
        return np.unique(names, return_inverse=True)[1].astype(np.int64) if names else np.empty(0, dtype=np.int64)

    @classmethod
    def undecided(
        cls, tasks: Sequence[Task], rows: Rows, logits: Sequence[np.ndarray], tokens: np.ndarray | None = None
    ) -> Self:
        """Predictions by plain argmax and softmax, before calibration and decision rule.

        :param logits: float32 ``[rows, classes]``, one array per task, in the order of ``rows``.
        """
        undecided = tuple(
            TaskPredictions(
                task,
                rows.labels[:, number],
                logits[number].argmax(axis=1),
                logits[number],
                softmax(logits[number].astype(np.float64), axis=1),
            )
            for number, task in enumerate(tasks)
        )
        return cls(list(rows.ids), undecided, dict(rows.metadata), tokens, rows.group)

    def select(self, chosen: np.ndarray) -> Self:
        """The rows at ``chosen`` (row numbers, or a bool for every row)."""
        numbers = np.flatnonzero(chosen) if chosen.dtype == bool else chosen

        def part(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else values[numbers]

        tasks = tuple(
            replace(
                item,
                labels=item.labels[numbers],
                predicted=item.predicted[numbers],
                logits=part(item.logits),
                probabilities=part(item.probabilities),
                crossfit=part(item.crossfit),
            )
            for item in self.tasks
        )
        metadata = {name: [column[n] for n in numbers] for name, column in self.metadata.items()}
        return replace(
            self, ids=[self.ids[n] for n in numbers], tasks=tasks, metadata=metadata, tokens=part(self.tokens)
        )


def predictions_table(predictions: Predictions) -> pa.Table:
    """``id`` and for each task ``TASK.label``, ``TASK.pred``, ``TASK.logit.CLASS`` and ``TASK.prob.CLASS``.

    Where they are known also ``TASK.crossfit``, ``@COLUMN`` for each metadata column, and ``#tokens``. The schema's own
    metadata name tasks and classes, which may be called like parts of columns, and the column of the groups, if any.
    """
    columns: dict[str, pa.Array] = {"id": pa.array(predictions.ids, pa.string())}
    for item in predictions.tasks:
        task = item.task
        columns[f"{task.name}.label"] = _names(task, item.labels)
        columns[f"{task.name}.pred"] = _names(task, item.predicted)
        if item.crossfit is not None:
            columns[f"{task.name}.crossfit"] = _names(task, item.crossfit)
        for c, name in enumerate(task.classes):
            if item.logits is not None:
                columns[f"{task.name}.logit.{name}"] = pa.array(item.logits[:, c], pa.float32())
            if item.probabilities is not None:
                columns[f"{task.name}.prob.{name}"] = pa.array(item.probabilities[:, c], pa.float64())
    columns |= {f"{METADATA_MARK}{name}": pa.array(values) for name, values in predictions.metadata.items()}
    if predictions.tokens is not None:
        columns[TOKENS] = pa.array(predictions.tokens, pa.int32())
    tasks = json.dumps({item.task.name: item.task.classes for item in predictions.tasks})
    about = {SCHEMA_KEY: SCHEMA_VERSION, TASKS_KEY: tasks} | (
        {GROUP_KEY: predictions.group} if predictions.group is not None else {}
    )
    return pa.table(columns).replace_schema_metadata(about)


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write the file whole or not at all."""
    with whole_file(path) as part:
        pq.write_table(predictions_table(predictions), part)


def read_predictions(path: Path, classes: Mapping[str, Sequence[str]] | None = None) -> Predictions:
    """What :func:`write_predictions` wrote, or a file made by hand with ``id``, ``TASK.label`` and ``TASK.pred``.

    :param classes: the classes of each task, in order; else they are those that the file names, those of its columns of
        logits, or of probabilities, or the values of label and prediction, sorted.
    :raises UserError: if the file is missing, cut off, or not of this schema.
    """
    return predictions_in(read_columns(path), path, classes)


def read_columns(path: Path) -> pa.Table:
    """The table in a file of predictions.

    :raises UserError: if the file is missing or cut off.
    """
    if not path.is_file():
        raise UserError(f"{path}: there is no such file")
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path}: is damaged or cut off, and cannot be read ({str(error).splitlines()[0]})") from error


def predictions_in(table: pa.Table, path: Path, classes: Mapping[str, Sequence[str]] | None = None) -> Predictions:
    """The predictions of a table; of a cross-validation that was repeated, those of its first repeat.

    :param path: of its file, for messages.
    :raises UserError: as above.
    """
    if REPEAT in table.column_names:
        table = table.filter(pc.field(REPEAT) == pc.min(table[REPEAT]))
    about = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    if (version := about.get(SCHEMA_KEY, "")) not in READABLE:
        raise UserError(f"{path}: schema version {version} is unknown; this version reads 1 to {SCHEMA_VERSION}")
    group = about.get(GROUP_KEY)
    problems = [f"{path}: has no column 'id'"] if "id" not in table.column_names else []
    told: dict[str, list[str]] = json.loads(about.get(TASKS_KEY, "{}"))
    names = list(told) or _tasks_among(table.column_names)
    if not names:
        problems.append(f"{path}: has no columns TASK.label and TASK.pred, so it holds no predictions")
    needed = [f"{name}.{kind}" for name in names for kind in ("label", "pred")]
    problems += [f"{path}: lacks the column {name!r}" for name in needed if name not in table.column_names]
    if group is not None and f"{METADATA_MARK}{group}" not in table.column_names:
        problems.append(f"{path}: lacks the column {METADATA_MARK + group!r}, whose values its rows are grouped by")
    if problems:
        raise UserError(problems)
    ids = [str(value) for value in table["id"].to_pylist()]
    if len(set(ids)) < len(ids):
        raise UserError(f"{path}: the ids are not unique")
    tasks = tuple(_read_task(path, table, name, (classes or told).get(name)) for name in names)
    metadata = {
        name.removeprefix(METADATA_MARK): ["" if cell is None else str(cell) for cell in table[name].to_pylist()]
        for name in table.column_names
        if name.startswith(METADATA_MARK)
    }
    tokens = table[TOKENS].to_numpy() if TOKENS in table.column_names else None
    return Predictions(ids, tasks, metadata, tokens, group)


def _tasks_among(columns: Sequence[str]) -> list[str]:
    """Of a file that does not name them: what has a label and a prediction, and is neither metadata nor a class."""
    names = [column.removesuffix(".label") for column in columns if column.endswith(".label")]
    names = [name for name in names if f"{name}.pred" in columns and not name.startswith(METADATA_MARK)]
    values = tuple(f"{name}.{kind}" for name in names for kind in ("logit", "prob"))
    return [name for name in names if name not in values]


def _names(task: Task, indices: np.ndarray) -> pa.Array:
    return pa.array([None if i == IGNORE_INDEX else task.classes[i] for i in indices.tolist()], pa.string())


def _read_task(path: Path, table: pa.Table, name: str, classes: Sequence[str] | None) -> TaskPredictions:
    parts = {
        kind: [None if value is None else str(value) for value in table[column].to_pylist()]  # by hand, also numbers
        for kind in ("label", "pred", "crossfit")
        if (column := f"{name}.{kind}") in table.column_names
    }
    for kind in ("logit", "prob"):
        classes = classes or [
            column.removeprefix(f"{name}.{kind}.")
            for column in table.column_names
            if column.startswith(f"{name}.{kind}.")
        ]
    if not classes:
        classes = sorted({value for values in parts.values() for value in values if value is not None})
    number = {label: index for index, label in enumerate(classes)}
    indices = {}
    for kind, values in parts.items():
        for row, value in enumerate(values):
            if value is None and kind == "label":
                continue
            if value not in number:
                raise UserError(f"{path}: row {row + 1}: {name}.{kind} is {value!r}, which is none of {list(classes)}")
        indices[kind] = np.array([IGNORE_INDEX if v is None else number[v] for v in values], dtype=np.int64)
    return TaskPredictions(
        Task(name, tuple(classes), name),
        indices["label"],
        indices["pred"],
        _stacked(path, table, f"{name}.logit", classes),
        _stacked(path, table, f"{name}.prob", classes),
        indices.get("crossfit"),
    )


def _stacked(path: Path, table: pa.Table, prefix: str, classes: Sequence[str]) -> np.ndarray | None:
    columns = [f"{prefix}.{name}" for name in classes]
    missing = [name for name in columns if name not in table.column_names]
    if len(missing) == len(columns):
        return None
    if missing:
        raise UserError(f"{path}: lacks the column {missing[0]!r}")
    values = np.stack([table[name].to_numpy() for name in columns], axis=1)
    if not np.isfinite(values).all():
        raise UserError(f"{path}: {prefix}.* holds values that are missing or not finite")
    return values


def mark_of_file(predictions: Predictions) -> str:
    """A hash of ids and labels, in whatever order the rows, tasks and classes stand, and whatever was predicted."""
    digest = hashlib.blake2b(digest_size=16)
    for item in sorted(predictions.tasks, key=lambda item: item.task.name):
        said = ["" if number == IGNORE_INDEX else item.task.classes[number] for number in item.labels.tolist()]
        pairs = sorted(zip(predictions.ids, said, strict=True))
        digest.update(json.dumps([item.task.name, pairs]).encode())
    return digest.hexdigest()


def mark_of_rows(ids: Sequence[str], labels: np.ndarray) -> str:
    """A hash of ids and labels, int64 ``[rows, tasks]``, in their order: it tells rows apart where no text is known."""
    digest = hashlib.blake2b(digest_size=16)
    for name in ids:
        digest.update(name.encode("utf-8", "surrogatepass") + b"\0")
    digest.update(labels.astype("<i8").tobytes())
    return digest.hexdigest()
