"""What an ensemble is made of: runs, and linear models on words."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from polarity.baselines.texts import LinearTexts
from polarity.config.trust import Trust, unused_trust
from polarity.data.reading import Unknown
from polarity.data.rows import Rows
from polarity.evaluation.predictions import Predictions
from polarity.run import RunDirectory
from polarity.runs.rebuild import REBUILT, Rebuilt


@dataclass(frozen=True)
class LinearMember:
    """A linear model, which answers as a run does."""

    model: LinearTexts
    as_in_training: bool = field(default=True, init=False)
    precision: str = field(default="32-true", init=False)
    columns: tuple[str, ...] = field(default=(), init=False)

    @property
    def unknown(self) -> list[Unknown]:
        """Nothing is counted."""
        return []

    def predict(self, rows: Rows) -> Predictions:
        """What it says about rows, in their order."""
        return Predictions.undecided(self.model.tasks, rows, self.model.logits(rows))

    def refused(self, rows: Rows) -> dict[int, str]:
        """Nothing is."""
        return {}

    def logits(self, rows: Rows) -> tuple[list[np.ndarray], np.ndarray, dict[int, str]]:
        """As :meth:`polarity.prediction.predictor.Predictor.logits`; nothing is wrong with any text."""
        return self.model.logits(rows), np.arange(len(rows)), {}


Member = Rebuilt | LinearMember


def unused_in_members(trust: Trust, runs: Iterable[RunDirectory]) -> list[str]:
    """A problem for each trusted module that no run among the members names in what is built of it."""
    built = [{name: run.config[name] for name in REBUILT} for run in runs]
    return unused_trust(trust, *built, of="the members name")
