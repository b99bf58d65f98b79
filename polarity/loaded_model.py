"""A finished run's model as Python asks it: texts in, answers out."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from polarity.errors import UserError, nearest
from polarity.privacy import texts_of
from polarity.wording import times

if TYPE_CHECKING:
    from polarity.config.recorded import DataSettings
    from polarity.data.rows import Rows
    from polarity.ensembles.predictor import EnsemblePredictor
    from polarity.prediction.predictor import Predictor
    from polarity.tasks import Task

AT_ONCE = 1000
"""Texts that are tokenised together."""


@dataclass(frozen=True)
class Answer:
    """What a run says about one text in one task.

    :param label: the decision of the run's rule, which need not be the most probable class.
    :param probabilities: calibrated, by class.
    """

    label: str
    probabilities: dict[str, float]


class Model:
    """A finished run's model with its calibration and decision rule; made by :func:`polarity.api.load`."""

    def __init__(
        self, predictor: "Predictor | EnsemblePredictor", data: "DataSettings", *, show_texts: bool = True
    ) -> None:
        self._predictor, self._data, self._show_texts = predictor, data, show_texts

    @property
    def tasks(self) -> "tuple[Task, ...]":
        """Names and classes of what it decides."""
        return self._predictor.tasks

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads beside the texts."""
        return self._predictor.columns

    def predict(
        self,
        texts: Iterable[str],
        contexts: Iterable[str | None] | None = None,
        metadata: Mapping[str, Iterable[object]] | None = None,
    ) -> list[dict[str, Answer]]:
        """An answer for each task, by its name, for each text, in their order: the numbers of ``polarity.predict``.

        :param contexts: the first texts of pairs, for a run that was trained on pairs.
        :param metadata: the columns of :attr:`columns`, a value for each text, None where it is missing.
        :raises UserError: with a problem for each text that cannot be classified.
        """
        with texts_of(self._show_texts):
            return self._predict(texts, contexts, metadata)

    def _predict(
        self,
        texts: Iterable[str],
        contexts: Iterable[str | None] | None,
        metadata: Mapping[str, Iterable[object]] | None,
    ) -> list[dict[str, Answer]]:
        from polarity.data.rows import Rows
        from polarity.torch_state import as_by_default

        given = _listed("texts", texts)
        first: list[Any] | None = None
        if contexts is not None:
            first = [_plain(context) for context in _listed("contexts", contexts)]
        if problems := self._problems(given, first):
            raise UserError(problems)
        if metadata is not None and not hasattr(metadata, "items"):
            raise UserError(f"metadata: has to be a table, or a mapping of columns, got {type(metadata).__name__}")
        columns = _columns({} if metadata is None else metadata, self.columns, len(given))
        rows = Rows.unlabelled(given, None if first is None else [context or "" for context in first], columns)
        answers: list[dict[str, Answer]] = []
        with as_by_default():
            for start in range(0, len(given), AT_ONCE):
                answers += self._answers(rows.select(range(start, min(start + AT_ONCE, len(given)))), start)
        return answers

    def _problems(self, texts: Sequence[object], contexts: Sequence[object] | None) -> list[str]:
        """Why these cannot be read: what the verb refuses as well."""
        from polarity.data.cells import context_refusal, text_refusal

        if contexts is None and self._data.pairs:
            return ["contexts: the run was trained on pairs; give a first text for each, '' where there is none"]
        if contexts is not None and self._data.pairs is False:
            return ["contexts: the run was trained on single texts; leave them out"]
        if contexts is not None and len(contexts) != len(texts):
            return [f"contexts: there are {len(contexts)} for {times(len(texts), 'text')}"]
        refusals = [
            *((f"texts[{number}]", text_refusal("it", text)) for number, text in enumerate(texts)),
            *((f"contexts[{number}]", context_refusal("it", text)) for number, text in enumerate(contexts or [])),
        ]
        return [refusal.at(where) for where, refusal in refusals if refusal is not None]

    def _answers(self, rows: "Rows", start: int) -> list[dict[str, Answer]]:
        logits, _, problems = self._predictor.logits(rows)
        if problems:
            raise UserError([f"texts[{start + number}]: {problem}" for number, problem in problems.items()])
        decider = self._predictor.decider
        decided, probabilities = decider.decide(logits), decider.probabilities(logits)
        return [
            {
                task.name: _answer(task, decided[number][row], probabilities[number][row])
                for number, task in enumerate(self.tasks)
            }
            for row in range(len(rows))
        ]


def _listed(name: str, values: Any) -> list[Any]:
    """Values of any kind that can be gone through, but a text, whose letters would be taken for texts.

    :raises UserError: for a text, and for what is no several values.
    """
    if isinstance(values, (str, bytes)):
        raise UserError(f"{name}: is one text; give a list")
    if isinstance(values, Mapping) or hasattr(values, "columns"):  # of which the names would be taken for texts
        raise UserError(f"{name}: is a table; give one of its columns")
    try:
        return list(values)
    except TypeError as error:
        raise UserError(f"{name}: has to be a list, got {type(values).__name__}") from error


def _columns(given: Mapping[str, Iterable[object]], wanted: Sequence[str], rows: int) -> dict[str, list[str]]:
    """The columns that a model reads, as text, empty where missing.

    :raises UserError: if there are others, or values that are no text or number, or not one for each row.
    """
    from polarity.data.cells import metadata_text
    from polarity.data.table import NoTextError

    problems = [f"metadata: the run reads the column {name!r} beside the texts" for name in wanted if name not in given]
    columns = dict[str, list[str]]()
    for name, column in given.items():
        values = _listed(f"metadata.{name}", column)
        if name not in wanted:
            problems.append(f"metadata.{name}: the run does not read it{nearest(name, wanted, what='columns')}")
        elif len(values) != rows:
            problems.append(f"metadata.{name}: there are {len(values)} for {times(rows, 'text')}")
        else:
            try:
                columns[name] = [metadata_text(_plain(value)) for value in values]
            except NoTextError:
                problems.append(f"metadata.{name}: holds something that is no text or number")
    if problems:
        raise UserError(problems)
    return columns


def _plain(value: object) -> object:
    """A value of NumPy or pandas as one of Python; what stands for a missing one in tables is None."""
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and math.isnan(value) else value


def _answer(task: "Task", decided: Any, probabilities: np.ndarray) -> Answer:
    return Answer(task.classes[int(decided)], dict(zip(task.classes, probabilities.tolist(), strict=True)))
