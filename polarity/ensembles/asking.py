"""What the members say about the validation and test rows, and how fast they are."""

import time
from dataclasses import dataclass

import numpy as np

from polarity.baselines.suite import fit_linear
from polarity.baselines.texts import LinearTexts
from polarity.data.rows import Rows, evenly
from polarity.ensembles.gathering import Gathered
from polarity.ensembles.predictor import predictor_of_member
from polarity.ensembles.settings import LINEAR, EnsembleSettings
from polarity.evaluation.predictions import Predictions
from polarity.prediction.job import Classifier
from polarity.progress import progress
from polarity.run import RunDirectory
from polarity.runs.rebuild import Rebuilt, rebuild
from polarity.runs.reproduction import reproduce
from polarity.runs.saved import saved_predictions
from polarity.systems.members import LinearMember

SAMPLE = 256
"""Validation rows that a model is timed with, and has to reproduce."""
PASSES, ENOUGH, MOST = 2, 0.3, 50
"""How often it is timed: at least, and until so many seconds have gone by, but not more often."""


@dataclass(frozen=True)
class Asked:
    """One member.

    :param source: its folder, or the linear model.
    :param said: about each split.
    :param speed: rows per second.
    """

    name: str
    source: RunDirectory | LinearTexts
    said: dict[str, Predictions]
    speed: float

    def logits(self, split: str) -> list[np.ndarray]:
        """Raw, ``[rows, classes]`` per task."""
        return [np.asarray(item.logits) for item in self.said[split].tasks]


def ask_all(gathered: Gathered, settings: EnsembleSettings) -> list[Asked]:
    """What every member says.

    :raises UserError: if a run does not give the predictions that it stored.
    """
    asked = []
    for name, run in gathered.runs.items():
        with progress(f"asking {name}"):
            rebuilt = rebuild(run.path, accelerator=settings.accelerator, trust=settings.trust, unused=False)
            asked.append(_ask_run(name, rebuilt, gathered))
    if settings.baseline:
        with progress("the linear model"):
            model = fit_linear(gathered.splits)
            member = LinearMember(model)
            said = {split: member.predict(rows) for split, rows in gathered.evaluated.items()}
            asked.append(Asked(LINEAR, model, said, rows_per_second(member, sample_of(gathered.splits.val))))
    return asked


def _ask_run(name: str, rebuilt: Rebuilt, gathered: Gathered) -> Asked:
    sample = sample_of(gathered.splits.val)
    reproduce(rebuilt, "val", rebuilt.predict(sample))
    said = {"val": gathered.stored[name]}
    if (test := gathered.evaluated.get("test")) is not None:
        there = rebuilt.run.predictions("test").is_file()
        said["test"] = saved_predictions(rebuilt.run, "test") if there else rebuilt.predict(test)
    return Asked(name, rebuilt.run, said, rows_per_second(predictor_of_member(rebuilt), sample))


def sample_of(rows: Rows) -> Rows:
    """Rows from all over a split."""
    return rows.select(evenly(len(rows), SAMPLE))


def rows_per_second(classifier: Classifier, rows: Rows) -> float:
    """From texts to logits, once everything is warm: the fastest of several passes, since others use the machine."""
    classifier.logits(rows.select(range(min(8, len(rows)))))
    began = time.perf_counter()
    passes: list[float] = []
    while len(passes) < PASSES or (time.perf_counter() - began < ENOUGH and len(passes) < MOST):
        started = time.perf_counter()
        classifier.logits(rows)
        passes.append(time.perf_counter() - started)
    return len(rows) / max(min(passes), 1e-9)
