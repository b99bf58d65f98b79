"""Texts of anybody, as a finished run answers them, whether one model answers or several."""

import numpy as np

from polarity.data.reading import Unknown
from polarity.data.rows import Rows
from polarity.prediction.predictor import Predictor
from polarity.runs.answering import Answering
from polarity.runs.rebuild import Rebuilt
from polarity.systems.members import LinearMember, Member
from polarity.systems.rebuild import Ensemble


def predictor_of_member(member: Member) -> Predictor | LinearMember:
    """What classifies texts."""
    return member if isinstance(member, LinearMember) else Predictor.of_run(member)


class EnsemblePredictor:
    """Logits of texts by several models, and what is wrong with those that not all of them can read."""

    def __init__(self, ensemble: Ensemble) -> None:
        self._ensemble = ensemble
        self._parts = [predictor_of_member(member) for member in ensemble.members]
        self.tasks, self.decider = ensemble.tasks, ensemble.decider

    @property
    def unknown(self) -> list[Unknown]:
        """Of the member which knows most of what was read."""
        return min((part.unknown for part in self._parts), key=lambda found: max((o.share for o in found), default=0))

    @property
    def columns(self) -> tuple[str, ...]:
        """The metadata columns that any member reads."""
        return tuple(dict.fromkeys(name for part in self._parts for name in part.columns))

    def refused(self, rows: Rows) -> dict[int, str]:
        """What is wrong with cells of :attr:`columns`, by number of the row."""
        return {row: why for part in self._parts for row, why in part.refused(rows).items()}

    def logits(self, rows: Rows) -> tuple[list[np.ndarray], np.ndarray, dict[int, str]]:
        """As :meth:`polarity.prediction.predictor.Predictor.logits`."""
        answers = [part.logits(rows) for part in self._parts]
        problems = {number: why for _, _, wrong in answers for number, why in wrong.items()}
        good = np.array([number for number in range(len(rows)) if number not in problems], dtype=np.int64)
        said = [[values[np.isin(numbers, good)] for values in logits] for logits, numbers, _ in answers]
        return self._ensemble.together(said), good, problems


def predictor_of(answering: Answering) -> Predictor | EnsemblePredictor:
    """What classifies the texts of :func:`polarity.predict` and of :func:`polarity.api.load`."""
    if isinstance(answering, Ensemble):
        return EnsemblePredictor(answering)
    assert isinstance(answering, Rebuilt)
    return Predictor.of_run(answering)
