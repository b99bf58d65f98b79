"""The columns that a prediction adds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from polarity.errors import UserError
from polarity.posthoc import Decider
from polarity.settings import Fraction, PositiveInt
from polarity.tables.dialect import column_hint, delimiter_hint
from polarity.tasks import IGNORE_INDEX, Task, task_problems

Threshold = Fraction | dict[str, Fraction]
TEXT, NUMBER = pa.string(), pa.float64()


class AddedColumns:
    """What the output says about each row beside the columns of the input.

    For each task ``TASK.pred`` (the decision; empty where the model abstains), ``TASK.confidence`` (the calibrated
    probability of the decided class), ``TASK.prob.CLASS`` and, for the k most probable classes, ``TASK.top.1``,
    ``TASK.top.1.prob``, ... The decision is that of the run's rule, which need not be the most probable class.

    :param tasks: of the model.
    :param decider: the model's calibration and decision rule.
    :param prefix: begins the name of each added column.
    :param probabilities: whether to add the probability of every class.
    :param top_k: how many of the most probable classes to name; None for none.
    :param abstain_below: the confidence that a decision needs, one for all tasks or by task; None: none.
    :param error_column: column for what is wrong with a row; None for none.
    :raises UserError: for settings that do not fit the tasks, or that have no effect.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        decider: Decider,
        *,
        prefix: str = "",
        probabilities: bool = True,
        top_k: PositiveInt | None = None,
        abstain_below: Threshold | None = None,
        error_column: str | None = None,
    ) -> None:
        self.tasks, self.decider = tuple(tasks), decider
        self.probabilities, self.top_k = probabilities, top_k or 0
        problems = _threshold_problems(abstain_below, self.tasks)
        most = max(len(task.classes) for task in tasks)
        if self.top_k > most:
            problems.append(f"top_k: {top_k} is more than the {most} classes of any task")
        if problems:
            raise UserError(problems)
        self.thresholds = {
            task.name: abstain_below.get(task.name) if isinstance(abstain_below, Mapping) else abstain_below
            for task in self.tasks
        }
        error = [] if error_column is None else [pa.field(prefix + error_column, TEXT)]
        fields = [field for task in self.tasks for field in self._fields(task)]
        self.fields = [field.with_name(prefix + field.name) for field in fields] + error
        self.with_errors = error_column is not None

    @property
    def names(self) -> list[str]:
        """The names of the added columns."""
        return [field.name for field in self.fields]

    def clashes(self, columns: Sequence[str]) -> list[str]:
        """A problem for each added column that the input has already, or that is added twice."""
        there = {column.strip() for column in columns}
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        advice = "give prefix=TEXT to name the added columns otherwise"
        return [f"input: has a column {name!r} already; {advice}" for name in self.names if name in there] + [
            f"error_column: {name!r} is the name of another added column" for name in twice
        ]

    def values(
        self, logits: Sequence[np.ndarray], good: np.ndarray, problems: Sequence[str | None]
    ) -> tuple[list[pa.Array], dict[str, int]]:
        """The added columns of some rows, and how often the model abstained in each task.

        :param logits: raw, ``[good rows, classes]``, one array per task.
        :param good: numbers of the rows that could be classified; the others get nulls.
        :param problems: what is wrong with each row.
        """
        columns, abstained = [], {}
        answers = zip(self.tasks, self.decider.probabilities(logits), self.decider.decide(logits), strict=True)
        for task, probabilities, decided in answers:
            confidence = probabilities[np.arange(len(decided)), decided]
            threshold = self.thresholds[task.name]
            sure = np.full(len(decided), fill_value=True) if threshold is None else confidence >= threshold
            abstained[task.name] = int((~sure).sum())
            values: list[Any] = [_named(task, np.where(sure, decided, IGNORE_INDEX)), confidence]
            values += list(probabilities.T) if self.probabilities else []
            order = np.argsort(-probabilities, axis=1, kind="stable")[:, : self.top_k]
            for place in range(order.shape[1]):
                values += [_named(task, order[:, place]), np.take_along_axis(probabilities, order, axis=1)[:, place]]
            columns += [
                _placed(field, of_rows, good, len(problems))
                for field, of_rows in zip(self._fields(task), values, strict=True)
            ]
        if self.with_errors:
            columns.append(pa.array(problems, TEXT))
        return columns, abstained

    def _fields(self, task: Task) -> list[pa.Field]:
        fields = [pa.field(f"{task.name}.pred", TEXT), pa.field(f"{task.name}.confidence", NUMBER)]
        if self.probabilities:
            fields += [pa.field(f"{task.name}.prob.{label}", NUMBER) for label in task.classes]
        for place in range(1, min(self.top_k, len(task.classes)) + 1):
            fields += [pa.field(f"{task.name}.top.{place}", TEXT), pa.field(f"{task.name}.top.{place}.prob", NUMBER)]
        return fields


def _threshold_problems(value: Threshold | None, tasks: Sequence[Task]) -> list[str]:
    by_task = value if isinstance(value, Mapping) else {} if value is None else {"": value}
    problems = task_problems("abstain_below", by_task, tasks) if isinstance(value, Mapping) else []
    for name, threshold in by_task.items():
        if threshold == 0:
            key = f"abstain_below.{name}" if name else "abstain_below"
            problems.append(f"{key}: has no effect at 0, which every confidence reaches; leave it out")
    return problems


def _named(task: Task, decided: np.ndarray) -> list[str | None]:
    return [None if label == IGNORE_INDEX else task.classes[label] for label in decided.tolist()]


def _placed(field: pa.Field, values: Any, good: np.ndarray, total: int) -> pa.Array:
    """The values of the good rows among all rows."""
    column: list[Any] = [None] * total
    for row, value in zip(good.tolist(), list(values), strict=True):
        column[row] = value
    return pa.array(column, field.type)


def column_problems(setting: str, name: str, columns: Sequence[str], source: str, dialect: str | None) -> list[str]:
    """A problem if the input ``source`` lacks a column that is read, or has it more than once.

    :param dialect: begins the names of settings that say how its header is read; None: there are none.
    """
    known = [column.strip() for column in columns]
    if known.count(name) == 1:
        return []
    if name in known:
        return [f"input: {source} has the column {name!r}, which is read, more than once"]
    other = f"; {setting}=COLUMN names another" if setting in ("text", "context") else ""
    other += ", or add an empty one if no row has a first text" if setting == "context" else ""
    hints = f"{column_hint(name, known, dialect)}{other}{delimiter_hint(known, dialect)}"
    return [f"{setting}: {source} has no column {name!r}{hints}"]
